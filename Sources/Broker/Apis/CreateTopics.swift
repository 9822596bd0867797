// CreateTopics and DeleteTopics.
import Platform

enum CreateTopics {
    private struct Wanted {
        let name: String
        let partitions: Int32
        let replication: Int16
        let assignments: [(partition: Int32, brokers: [Int32])]
        let configs: [(name: String, value: String?)]
    }
    private struct Refused: Error {
        let code: ErrorCode
        let reason: String
    }
    private struct Outcome {
        let name: String
        var code = ErrorCode.none
        var reason: String?
        var id = UUIDBytes.zero
        var partitions: Int32 = -1
        var config: TopicConfig?
    }

    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let wanted = try reader.array(read)
        _ = try reader.int32()
        let validateOnly = try reader.bool()
        try reader.endStructure()
        var outcomes: [Outcome] = []
        for (topic, isRepeated) in wanted.distinct(by: \.name) {
            if isRepeated {
                outcomes.append(Outcome(name: topic.name, code: .invalidRequest, reason: "named twice in one request"))
            } else {
                outcomes.append(create(node, topic, validateOnly: validateOnly))
            }
        }
        answer(request, outcomes)
    }

    private static func read(_ reader: inout ByteReader) throws(MalformedRequest) -> Wanted {
        let name = try reader.string()
        let partitions = try reader.int32()
        let replication = try reader.int16()
        let assignments = try reader.array { reader throws(MalformedRequest) -> (partition: Int32, brokers: [Int32]) in
            let partition = try reader.int32()
            let brokers = try reader.array { reader throws(MalformedRequest) in try reader.int32() }
            try reader.endStructure()
            return (partition, brokers)
        }
        let configs = try reader.array { reader throws(MalformedRequest) -> (name: String, value: String?) in
            let name = try reader.string()
            let value = try reader.nullableString()
            try reader.endStructure()
            return (name, value)
        }
        try reader.endStructure()
        return Wanted(
            name: name, partitions: partitions, replication: replication, assignments: assignments, configs: configs)
    }

    private static func create(_ node: BrokerNode, _ wanted: Wanted, validateOnly: Bool) -> Outcome {
        var outcome = Outcome(name: wanted.name)
        do {
            let (partitions, overrides) = try check(node, wanted)
            outcome.partitions = partitions
            outcome.config = node.catalog.defaults.applying(overrides)
            guard !validateOnly else { return outcome }
            outcome.id = UUIDBytes.random()
            try node.journal.append(.topicCreated) { writer in
                TopicJournal.write(
                    &writer, name: wanted.name, id: outcome.id, partitionCount: partitions, overrides: overrides)
            }
            try node.catalog.add(
                name: wanted.name, id: outcome.id, partitionCount: partitions, overrides: overrides,
                nowMilliseconds: node.wallMilliseconds)
        } catch let refused as Refused {
            outcome.code = refused.code
            outcome.reason = refused.reason
        } catch {
            outcome.code = .kafkaStorageError
            outcome.reason = String(describing: error)
        }
        return outcome
    }

    private static func check(_ node: BrokerNode, _ wanted: Wanted) throws -> (Int32, [String: String]) {
        guard Catalog.isValid(wanted.name) else {
            throw Refused(code: .invalidTopic, reason: "a name is 1 to 249 of a-z A-Z 0-9 . _ -")
        }
        guard node.catalog.topics[wanted.name] == nil else {
            throw Refused(code: .topicAlreadyExists, reason: "Topic '\(wanted.name)' already exists.")
        }
        // Names of metrics have an underscore for a dot, so such names would be one.
        if let similar = node.catalog.topics.keys.first(where: { metricName($0) == metricName(wanted.name) }) {
            throw Refused(code: .invalidTopic, reason: "'\(wanted.name)' collides with '\(similar)'")
        }
        var partitions = wanted.partitions == -1 ? 1 : wanted.partitions
        if !wanted.assignments.isEmpty {
            guard wanted.partitions == -1, wanted.replication == -1 else {
                throw Refused(code: .invalidRequest, reason: "either assignments or counts")
            }
            let numbers = wanted.assignments.map(\.partition).sorted()
            guard numbers == Array(0..<Int32(numbers.count)),
                wanted.assignments.allSatisfy({ $0.brokers == [BrokerNode.nodeId] })
            else { throw Refused(code: .invalidReplicaAssignment, reason: "there is one broker, number 1") }
            partitions = Int32(numbers.count)
        } else if wanted.replication != -1 && wanted.replication != 1 {
            throw Refused(code: .invalidReplicationFactor, reason: "there is one broker: replication factor 1")
        }
        guard partitions > 0, partitions <= node.settings.maximumPartitions else {
            throw Refused(code: .invalidPartitions, reason: "1 to \(node.settings.maximumPartitions) partitions")
        }
        var overrides: [String: String] = [:]
        var scratch = node.catalog.defaults
        for config in wanted.configs {
            guard let value = config.value, scratch.set(config.name, value) else {
                throw Refused(code: .invalidConfig, reason: "\(config.name)=\(config.value ?? "null") is not supported")
            }
            overrides[config.name] = value
        }
        return (partitions, overrides)
    }

    private static func metricName(_ topic: String) -> String { topic.replacing(".", with: "_") }

    private static func answer(_ request: Request, _ outcomes: [Outcome]) {
        let version = request.version
        request.answer { writer in
            writer.int32(0)
            writer.array(outcomes) { writer, outcome in
                writer.string(outcome.name)
                if version >= 7 { writer.uuid(outcome.id) }
                writer.error(outcome.code)
                writer.nullableString(outcome.reason)
                if version >= 5 {
                    writer.int32(outcome.partitions)
                    writer.int16(outcome.config == nil ? -1 : 1)
                    writer.array(outcome.config?.entries ?? []) { writer, entry in
                        writer.string(entry.name)
                        writer.nullableString(entry.value)
                        writer.bool(false)
                        writer.int8(5)
                        writer.bool(false)
                        writer.endStructure()
                    }
                }
                writer.endStructure()
            }
            writer.endStructure()
        }
    }
}

enum DeleteTopics {
    private struct Wanted: Hashable {
        let name: String?
        let id: UUIDBytes
    }
    private typealias Outcome = (name: String?, id: UUIDBytes, code: ErrorCode)

    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        let wanted: [Wanted]
        if version >= 6 {
            wanted = try reader.array { reader throws(MalformedRequest) -> Wanted in
                let name = try reader.nullableString()
                let id = try reader.uuid()
                try reader.endStructure()
                return Wanted(name: name, id: id)
            }
        } else {
            wanted = try reader.array { reader throws(MalformedRequest) -> Wanted in
                Wanted(name: try reader.string(), id: .zero)
            }
        }
        try reader.skip(4)
        try reader.endStructure()
        var outcomes: [Outcome] = []
        for (one, isRepeated) in wanted.distinct(by: \.self) {
            // By name or by id, once.
            guard (one.name == nil) != (one.id == .zero), !isRepeated else {
                outcomes.append((one.name, one.id, .invalidRequest))
                continue
            }
            let topic = one.name.map { node.catalog.topics[$0] } ?? node.catalog.topic(id: one.id)
            guard let topic else {
                outcomes.append((one.name, one.id, one.name == nil ? .unknownTopicId : .unknownTopicOrPartition))
                continue
            }
            outcomes.append((topic.name, topic.id, delete(node, topic)))
        }
        request.answer { writer in
            writer.int32(0)
            writer.array(outcomes) { writer, outcome in
                writer.nullableString(outcome.name)
                if version >= 6 { writer.uuid(outcome.id) }
                writer.error(outcome.code)
                if version >= 5 { writer.nullableString(nil) }
                writer.endStructure()
            }
            writer.endStructure()
        }
    }

    private static func delete(_ node: BrokerNode, _ topic: Topic) -> ErrorCode {
        do {
            try node.journal.append(.topicDeleted) { $0.string(topic.name) }
        } catch {
            Log.error("topic not deleted", ["topic": LogValue(topic.name), "error": LogValue(describing: error)])
            return .kafkaStorageError
        }
        node.catalog.remove(topic.name)
        node.groups.forgetTopic(topic.name)
        node.transactions.forgetTopic(topic.name)
        for log in topic.partitions {
            // Those who wait for it learn at once that it is gone.
            node.core.grown(log)
            log.remove()
        }
        return .none
    }
}

extension Array {
    /// The first of each key, in their order, and whether more of its kind follow.
    fileprivate func distinct<Key: Hashable>(by key: (Element) -> Key) -> [(element: Element, isRepeated: Bool)] {
        let times = Dictionary(grouping: self, by: key).mapValues(\.count)
        var seen: Set<Key> = []
        return filter { seen.insert(key($0)).inserted }.map { ($0, times[key($0)] != 1) }
    }
}
