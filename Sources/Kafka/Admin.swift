// Topics and the cluster: what the topics step, start-up checks and tests ask for. One short-lived handle per call.

internal import CRdKafka

public struct TopicSpec: Sendable, Equatable {
    public var name: String
    public var partitions: Int
    public var replicationFactor: Int
    public var configs: [String: String]

    public init(name: String, partitions: Int, replicationFactor: Int = 1, configs: [String: String] = [:]) {
        self.name = name
        self.partitions = partitions
        self.replicationFactor = replicationFactor
        self.configs = configs
    }
}

public enum TopicOutcome: Sendable, Equatable {
    case created
    case exists
    case failed(KafkaError)
}

public enum Admin {
    public static let defaultTimeoutMilliseconds: Int32 = 30_000

    /// Creates what is missing. A topic that exists is left as it is, whatever its partitions and configs are.
    public static func createTopics(
        _ topics: [TopicSpec], _ settings: KafkaSettings, timeoutMilliseconds: Int32 = defaultTimeoutMilliseconds
    ) throws(KafkaError) -> [(name: String, outcome: TopicOutcome)] {
        guard !topics.isEmpty else { return [] }
        let call = try AdminCall(settings)
        var specs: [OpaquePointer?] = unsafe []
        defer { for index in unsafe specs.indices { unsafe rd_kafka_NewTopic_destroy(specs[index]) } }
        for topic in topics {
            let spec = unsafe try newTopic(topic)
            unsafe specs.append(spec)
        }
        let event = unsafe try call.run(
            "create topics", RD_KAFKA_ADMIN_OP_CREATETOPICS, timeoutMilliseconds
        ) { handle, options, queue in
            unsafe rd_kafka_CreateTopics(handle, &specs, specs.count, options, queue)
        }
        var count = 0
        let results = unsafe rd_kafka_CreateTopics_result_topics(
            rd_kafka_event_CreateTopics_result(event.pointer), &count)
        return unsafe outcomes(results, count, doing: "create topic")
    }

    /// For tests only: a consumer of a deleted topic may hang when it closes. The first failure is thrown.
    public static func deleteTopics(
        _ names: [String], _ settings: KafkaSettings, timeoutMilliseconds: Int32 = defaultTimeoutMilliseconds
    ) throws(KafkaError) {
        guard !names.isEmpty else { return }
        let call = try AdminCall(settings)
        var topics: [OpaquePointer?] = unsafe names.map { unsafe rd_kafka_DeleteTopic_new($0) }
        defer { for index in unsafe topics.indices { unsafe rd_kafka_DeleteTopic_destroy(topics[index]) } }
        let event = unsafe try call.run(
            "delete topics", RD_KAFKA_ADMIN_OP_DELETETOPICS, timeoutMilliseconds
        ) { handle, options, queue in
            unsafe rd_kafka_DeleteTopics(handle, &topics, topics.count, options, queue)
        }
        var count = 0
        let results = unsafe rd_kafka_DeleteTopics_result_topics(
            rd_kafka_event_DeleteTopics_result(event.pointer), &count)
        for case (_, .failed(let error)) in unsafe outcomes(results, count, doing: "delete topic") { throw error }
    }

    /// The effective configuration of a topic, defaults included.
    public static func configs(
        of topic: String, _ settings: KafkaSettings, timeoutMilliseconds: Int32 = defaultTimeoutMilliseconds
    ) throws(KafkaError) -> [String: String] {
        let call = try AdminCall(settings)
        var resource = unsafe rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic)
        defer { unsafe rd_kafka_ConfigResource_destroy(resource) }
        let event = unsafe try call.run(
            "describe topic '\(topic)'", RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeoutMilliseconds
        ) { handle, options, queue in
            unsafe rd_kafka_DescribeConfigs(handle, &resource, 1, options, queue)
        }
        var count = 0
        let result = unsafe rd_kafka_event_DescribeConfigs_result(event.pointer)
        guard let resources = unsafe rd_kafka_DescribeConfigs_result_resources(result, &count), count == 1 else {
            return [:]
        }
        let code = unsafe rd_kafka_ConfigResource_error(resources[0])
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, doing: "describe topic '\(topic)'") }
        return unsafe entries(of: resources[0])
    }

    /// Partitions of every topic of the cluster, by name.
    public static func listTopics(
        _ settings: KafkaSettings, timeoutMilliseconds: Int32 = defaultTimeoutMilliseconds
    ) throws(KafkaError) -> [String: Int] {
        let handle = try Handle(.producer, settings, clientID: "admin", [])
        defer { handle.close() }
        return try handle.partitionCounts(all: true, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Partitions of the topics named; one that is missing is not in it.
    public static func describeTopics(
        _ names: [String], _ settings: KafkaSettings, timeoutMilliseconds: Int32 = defaultTimeoutMilliseconds
    ) throws(KafkaError) -> [String: Int] {
        let wanted = Set(names)
        return try listTopics(settings, timeoutMilliseconds: timeoutMilliseconds).filter { wanted.contains($0.key) }
    }

    public static func clusterID(
        _ settings: KafkaSettings, timeoutMilliseconds: Int32 = defaultTimeoutMilliseconds
    ) throws(KafkaError) -> String {
        let handle = try Handle(.producer, settings, clientID: "admin", [])
        defer { handle.close() }
        return try handle.clusterID(timeoutMilliseconds: timeoutMilliseconds)
    }

    private static func newTopic(_ topic: TopicSpec) throws(KafkaError) -> OpaquePointer {
        let (spec, text) = unsafe withErrorText {
            unsafe rd_kafka_NewTopic_new(
                topic.name, Int32(clamping: topic.partitions), Int32(clamping: topic.replicationFactor), $0, $1)
        }
        guard let spec = unsafe spec else {
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, doing: "create topic '\(topic.name)'", detail: text)
        }
        for (name, value) in topic.configs { _ = unsafe rd_kafka_NewTopic_set_config(spec, name, value) }
        return unsafe spec
    }

    private static func outcomes(
        _ results: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int, doing what: String
    ) -> [(name: String, outcome: TopicOutcome)] {
        guard let results = unsafe results else { return [] }
        return (0..<count).map { index in
            let result = unsafe results[index]
            let name = unsafe String(cString: rd_kafka_topic_result_name(result))
            switch unsafe rd_kafka_topic_result_error(result) {
            case RD_KAFKA_RESP_ERR_NO_ERROR: return (name, .created)
            case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return (name, .exists)
            case let code:
                let words = unsafe rd_kafka_topic_result_error_string(result).map { unsafe String(cString: $0) }
                return (name, .failed(KafkaError(code, doing: "\(what) '\(name)'", detail: words)))
            }
        }
    }

    private static func entries(of resource: OpaquePointer?) -> [String: String] {
        var count = 0
        guard let entries = unsafe rd_kafka_ConfigResource_configs(resource, &count) else { return [:] }
        var configs: [String: String] = [:]
        for index in 0..<count {
            let entry = unsafe entries[index]
            guard let name = unsafe rd_kafka_ConfigEntry_name(entry),
                let value = unsafe rd_kafka_ConfigEntry_value(entry)
            else { continue }
            configs[unsafe String(cString: name)] = unsafe String(cString: value)
        }
        return configs
    }
}
