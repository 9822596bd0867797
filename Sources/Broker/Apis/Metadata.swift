// Metadata and DescribeCluster: the one broker, and the topics with all their partitions on it.

enum Metadata {
    static let noOperations = Int32.min

    private struct Wanted {
        let name: String?
        let id: UUIDBytes
        let topic: Topic?
    }

    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        let named = try reader.nullableArray { reader throws(MalformedRequest) -> Wanted in
            let id = version >= 10 ? try reader.uuid() : .zero
            let name = try reader.nullableString()
            try reader.endStructure()
            guard id == .zero else {
                let topic = node.catalog.topic(id: id)
                return Wanted(name: topic?.name, id: id, topic: topic)
            }
            return Wanted(name: name, id: id, topic: name.flatMap { node.catalog.topics[$0] })
        }
        // Before version 1 an empty list means all, later null does.
        let all = named == nil || (version == 0 && named?.isEmpty == true)
        let wanted =
            all
            ? node.catalog.topics.values.sorted { $0.name < $1.name }.map {
                Wanted(name: $0.name, id: $0.id, topic: $0)
            }
            : named ?? []
        request.answer(capacity: 1024) { writer in
            if version >= 3 { writer.int32(0) }
            writer.array([node]) { writer, node in
                writeBroker(&writer, node)
                if version >= 1 { writer.nullableString(nil) }
                writer.endStructure()
            }
            if version >= 2 { writer.nullableString(node.clusterId) }
            if version >= 1 { writer.int32(BrokerNode.nodeId) }
            writer.array(wanted) { writer, wanted in write(&writer, wanted, version) }
            if (8...10).contains(version) { writer.int32(noOperations) }
            writer.endStructure()
        }
    }

    static func writeBroker(_ writer: inout ByteWriter, _ node: BrokerNode) {
        writer.int32(BrokerNode.nodeId)
        writer.string("127.0.0.1")
        writer.int32(Int32(node.port))
    }

    private static func write(_ writer: inout ByteWriter, _ wanted: Wanted, _ version: Int16) {
        writer.error(error(wanted))
        writer.nullableString(version >= 12 ? wanted.name : wanted.name ?? "")
        if version >= 10 { writer.uuid(wanted.topic?.id ?? wanted.id) }
        if version >= 1 { writer.bool(false) }
        writer.array(wanted.topic?.partitions ?? []) { writer, log in
            writer.error(.none)
            writer.int32(log.partition)
            writer.int32(BrokerNode.nodeId)
            if version >= 7 { writer.int32(0) }
            writer.array([BrokerNode.nodeId]) { $0.int32($1) }
            writer.array([BrokerNode.nodeId]) { $0.int32($1) }
            if version >= 5 { writer.count(0) }
            writer.endStructure()
        }
        if version >= 8 { writer.int32(noOperations) }
        writer.endStructure()
    }

    private static func error(_ wanted: Wanted) -> ErrorCode {
        if wanted.topic != nil { return .none }
        guard let name = wanted.name else { return .unknownTopicId }
        return Catalog.isValid(name) ? .unknownTopicOrPartition : .invalidTopic
    }
}

enum DescribeCluster {
    private static let brokerEndpoints: Int8 = 1

    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        _ = try reader.bool()
        let endpoints = request.version >= 1 ? try reader.int8() : brokerEndpoints
        try reader.endStructure()
        let isForBrokers = endpoints == brokerEndpoints
        request.answer { writer in
            writer.int32(0)
            writer.error(isForBrokers ? .none : .mismatchedEndpointType)
            writer.nullableString(nil)
            if request.version >= 1 { writer.int8(brokerEndpoints) }
            writer.string(node.clusterId)
            writer.int32(BrokerNode.nodeId)
            writer.array(isForBrokers ? [node] : []) { writer, node in
                Metadata.writeBroker(&writer, node)
                writer.nullableString(nil)
                writer.endStructure()
            }
            writer.int32(Metadata.noOperations)
            writer.endStructure()
        }
    }
}
