// DescribeConfigs for topics, and the little there is to say of the broker.

enum DescribeConfigs {
    private static let topicResource: Int8 = 2
    private static let brokerResource: Int8 = 4
    private static let setOnTopic: Int8 = 1
    private static let builtIn: Int8 = 5

    private struct Outcome {
        let type: Int8
        let name: String
        var code = ErrorCode.none
        var entries: [(entry: TopicConfig.Entry, source: Int8)] = []
    }

    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        let outcomes = try reader.array { reader throws(MalformedRequest) -> Outcome in
            let type = try reader.int8()
            let name = try reader.string()
            let keys = try reader.nullableArray { reader throws(MalformedRequest) in try reader.string() }
            try reader.endStructure()
            return describe(node, type, name, keys)
        }
        request.answer(capacity: 2048) { writer in
            writer.int32(0)
            writer.array(outcomes) { writer, outcome in
                writer.error(outcome.code)
                writer.nullableString(nil)
                writer.int8(outcome.type)
                writer.string(outcome.name)
                writer.array(outcome.entries) { writer, item in write(&writer, item.entry, item.source, version) }
                writer.endStructure()
            }
            writer.endStructure()
        }
    }

    private static func describe(_ node: BrokerNode, _ type: Int8, _ name: String, _ keys: [String]?) -> Outcome {
        var outcome = Outcome(type: type, name: name)
        switch type {
        case topicResource:
            guard let topic = node.catalog.topics[name] else {
                outcome.code = Catalog.isValid(name) ? .unknownTopicOrPartition : .invalidTopic
                return outcome
            }
            let entries = topic.config.entries.map { entry in
                (entry: entry, source: topic.overrides[entry.name] == nil ? builtIn : setOnTopic)
            }
            let isForAll = keys?.isEmpty ?? true
            outcome.entries = entries.filter { isForAll || keys?.contains($0.entry.name) == true }
        case brokerResource where name.isEmpty || name == String(BrokerNode.nodeId): break
        default: outcome.code = .invalidRequest
        }
        return outcome
    }

    private static func write(
        _ writer: inout ByteWriter, _ entry: TopicConfig.Entry, _ source: Int8, _ version: Int16
    ) {
        writer.string(entry.name)
        writer.nullableString(entry.value)
        writer.bool(false)
        writer.int8(source)
        writer.bool(false)
        writer.count(0)
        if version >= 3 {
            writer.int8(entry.kind.rawValue)
            writer.nullableString(nil)
        }
        writer.endStructure()
    }
}
