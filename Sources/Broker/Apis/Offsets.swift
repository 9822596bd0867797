// OffsetCommit and OffsetFetch on the wire.

enum OffsetCommit {
    struct Wanted {
        let partition: Int32
        let offset: CommittedOffset
    }
    typealias Topics = [(name: String, partitions: [Wanted])]
    /// Longer metadata is refused, as by Kafka, which counts in units of UTF-16.
    private static let maximumMetadataLength = 4096

    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        let groupId = try reader.string()
        let generation = try reader.int32()
        let memberId = try reader.string()
        let instanceId = version >= 7 ? try reader.nullableString() : nil
        if (2...4).contains(version) { _ = try reader.int64() }
        let wanted = try readTopics(&reader, withEpoch: version >= 6)
        try reader.endStructure()
        let committer = GroupCoordinator.Committer(
            groupId: groupId, generation: generation, memberId: memberId, instanceId: instanceId)
        answer(node, request, wanted, throttleFrom: 3) { offsets in
            let code = node.groups.checkCommit(committer, transactional: false)
            return code == .none ? node.groups.commit(groupId, offsets) : code
        }
    }

    static func readTopics(_ reader: inout ByteReader, withEpoch: Bool) throws(MalformedRequest) -> Topics {
        try reader.array { reader throws(MalformedRequest) -> (name: String, partitions: [Wanted]) in
            let name = try reader.string()
            let partitions = try reader.array { reader throws(MalformedRequest) -> Wanted in
                let partition = try reader.int32()
                let offset = try reader.int64()
                let epoch = withEpoch ? try reader.int32() : -1
                let metadata = try reader.nullableString()
                try reader.endStructure()
                return Wanted(
                    partition: partition,
                    offset: CommittedOffset(offset: offset, leaderEpoch: epoch, metadata: metadata))
            }
            try reader.endStructure()
            return (name, partitions)
        }
    }

    /// Commits what exists and answers for every partition that was asked about.
    static func answer(
        _ node: BrokerNode, _ request: Request, _ topics: Topics, throttleFrom: Int16,
        _ commit: (GroupCoordinator.Offsets) -> ErrorCode
    ) {
        var offsets: GroupCoordinator.Offsets = [:]
        var refused: [TopicPartition: ErrorCode] = [:]
        for topic in topics {
            for wanted in topic.partitions {
                let key = TopicPartition(topic: topic.name, partition: wanted.partition)
                if node.catalog.partition(key) == nil {
                    refused[key] = .unknownTopicOrPartition
                } else if wanted.offset.metadata?.utf16.count ?? 0 > maximumMetadataLength {
                    refused[key] = .offsetMetadataTooLarge
                } else {
                    offsets[key] = wanted.offset
                }
            }
        }
        let code = commit(offsets)
        request.answer { writer in
            if request.version >= throttleFrom { writer.int32(0) }
            writer.array(topics) { writer, topic in
                writer.string(topic.name)
                writer.array(topic.partitions) { writer, wanted in
                    let key = TopicPartition(topic: topic.name, partition: wanted.partition)
                    writer.int32(wanted.partition)
                    writer.error(code == .none ? refused[key] ?? .none : code)
                    writer.endStructure()
                }
                writer.endStructure()
            }
            writer.endStructure()
        }
    }
}

enum OffsetFetch {
    private struct Wanted {
        let groupId: String
        /// Nil asks for everything the group ever committed.
        let topics: [(name: String, partitions: [Int32])]?
    }

    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        let wanted: [Wanted]
        if version >= 8 {
            wanted = try reader.array { reader throws(MalformedRequest) -> Wanted in
                let groupId = try reader.string()
                let topics = try readTopics(&reader)
                try reader.endStructure()
                return Wanted(groupId: groupId, topics: topics)
            }
        } else {
            let groupId = try reader.string()
            wanted = [Wanted(groupId: groupId, topics: try readTopics(&reader))]
        }
        let requireStable = version >= 7 ? try reader.bool() : false
        try reader.endStructure()
        request.answer { writer in
            if version >= 3 { writer.int32(0) }
            if version >= 8 {
                writer.array(wanted) { writer, wanted in
                    writer.string(wanted.groupId)
                    write(&writer, node, wanted, requireStable, version)
                    writer.error(.none)
                    writer.endStructure()
                }
            } else if let wanted = wanted.first {
                write(&writer, node, wanted, requireStable, version)
                if version >= 2 { writer.error(.none) }
            }
            writer.endStructure()
        }
    }

    private static func readTopics(
        _ reader: inout ByteReader
    ) throws(MalformedRequest) -> [(name: String, partitions: [Int32])]? {
        try reader.nullableArray { reader throws(MalformedRequest) -> (name: String, partitions: [Int32]) in
            let name = try reader.string()
            let partitions = try reader.array { reader throws(MalformedRequest) in try reader.int32() }
            try reader.endStructure()
            return (name, partitions)
        }
    }

    private static func write(
        _ writer: inout ByteWriter, _ node: BrokerNode, _ wanted: Wanted, _ requireStable: Bool, _ version: Int16
    ) {
        let group = node.groups.groups[wanted.groupId]
        writer.array(wanted.topics ?? everything(group)) { writer, topic in
            writer.string(topic.name)
            writer.array(topic.partitions) { writer, partition in
                let key = TopicPartition(topic: topic.name, partition: partition)
                let unstable = requireStable && group?.isUnstable(key) ?? false
                let committed = unstable ? nil : group?.offsets[key]
                writer.int32(partition)
                writer.int64(committed?.offset ?? -1)
                if version >= 5 { writer.int32(committed?.leaderEpoch ?? -1) }
                writer.nullableString(committed.map { $0.metadata ?? "" } ?? "")
                writer.error(unstable ? .unstableOffsetCommit : .none)
                writer.endStructure()
            }
            writer.endStructure()
        }
    }

    private static func everything(_ group: Group?) -> [(name: String, partitions: [Int32])] {
        guard let group else { return [] }
        return Dictionary(grouping: group.offsets.keys, by: \.topic).sorted { $0.key < $1.key }.map { topic, keys in
            (topic, keys.map(\.partition).sorted())
        }
    }
}
