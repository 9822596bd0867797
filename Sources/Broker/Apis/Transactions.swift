// InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit and EndTxn on the wire.

enum InitProducerId {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let transactionalId = try reader.nullableString()
        let timeout = try reader.int32()
        var current = TransactionCoordinator.Identity()
        if request.version >= 3 {
            current.producerId = try reader.int64()
            current.epoch = try reader.int16()
        }
        try reader.endStructure()
        var identity: TransactionCoordinator.Identity
        if transactionalId == "" || (current.producerId < 0) != (current.epoch < 0) {
            identity = TransactionCoordinator.Identity(code: .invalidRequest)
        } else if let transactionalId {
            identity = node.transactions.initialize(transactionalId, timeoutMilliseconds: timeout, current: current)
        } else if let producerId = node.transactions.newProducerId() {
            identity = TransactionCoordinator.Identity(producerId: producerId, epoch: 0)
        } else {
            identity = TransactionCoordinator.Identity(code: .coordinatorNotAvailable)
        }
        identity.code = producerError(identity.code, olderThan: 4, request)
        request.answer { writer in
            writer.int32(0)
            writer.error(identity.code)
            writer.int64(identity.producerId)
            writer.int16(identity.epoch)
            writer.endStructure()
        }
    }
}

/// Older clients know only the older name for being fenced.
private func producerError(_ code: ErrorCode, olderThan version: Int16, _ request: Request) -> ErrorCode {
    code == .producerFenced && request.version < version ? .invalidProducerEpoch : code
}

enum AddPartitionsToTxn {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let id = try reader.string()
        let producerId = try reader.int64()
        let epoch = try reader.int16()
        let topics = try reader.array { reader throws(MalformedRequest) -> (name: String, partitions: [Int32]) in
            let name = try reader.string()
            let partitions = try reader.array { reader throws(MalformedRequest) in try reader.int32() }
            try reader.endStructure()
            return (name, partitions)
        }
        try reader.endStructure()
        let keys = topics.flatMap { topic in topic.partitions.map { TopicPartition(topic: topic.name, partition: $0) } }
        let unknown = Set(keys.filter { node.catalog.partition($0) == nil })
        var code = ErrorCode.none
        if unknown.isEmpty {
            do { try node.transactions.addPartitions(id, producerId, epoch, keys) } catch {
                code = producerError(error.code, olderThan: 2, request)
            }
        } else {
            code = .operationNotAttempted
        }
        request.answer { writer in
            writer.int32(0)
            writer.array(topics) { writer, topic in
                writer.string(topic.name)
                writer.array(topic.partitions) { writer, partition in
                    let key = TopicPartition(topic: topic.name, partition: partition)
                    writer.int32(partition)
                    writer.error(unknown.contains(key) ? .unknownTopicOrPartition : code)
                    writer.endStructure()
                }
                writer.endStructure()
            }
            writer.endStructure()
        }
    }
}

enum AddOffsetsToTxn {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let id = try reader.string()
        let producerId = try reader.int64()
        let epoch = try reader.int16()
        let group = try reader.string()
        try reader.endStructure()
        var code = ErrorCode.none
        do { try node.transactions.addGroup(id, producerId, epoch, group: group) } catch {
            code = producerError(error.code, olderThan: 2, request)
        }
        request.answer { writer in
            writer.int32(0)
            writer.error(code)
            writer.endStructure()
        }
    }
}

enum EndTxn {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let id = try reader.string()
        let producerId = try reader.int64()
        let epoch = try reader.int16()
        let commit = try reader.bool()
        try reader.endStructure()
        let code = node.transactions.end(id, producerId, epoch, commit: commit)
        request.answer { writer in
            writer.int32(0)
            writer.error(producerError(code, olderThan: 2, request))
            writer.endStructure()
        }
    }
}

enum TxnOffsetCommit {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        let id = try reader.string()
        let groupId = try reader.string()
        let producerId = try reader.int64()
        let epoch = try reader.int16()
        let generation = version >= 3 ? try reader.int32() : -1
        let memberId = version >= 3 ? try reader.string() : ""
        let instanceId = version >= 3 ? try reader.nullableString() : nil
        let wanted = try OffsetCommit.readTopics(&reader, withEpoch: version >= 2)
        try reader.endStructure()
        let committer = GroupCoordinator.Committer(
            groupId: groupId, generation: generation, memberId: memberId, instanceId: instanceId)
        OffsetCommit.answer(node, request, wanted, throttleFrom: 0) { offsets in
            node.transactions.commitOffsets(id, producerId, epoch, committer, offsets)
        }
    }
}
