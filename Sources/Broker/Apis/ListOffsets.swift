// ListOffsets: the earliest, the latest, or the first offset at or after a time.

/// There is one node and it always leads: the only epoch there ever was is 0.
enum LeaderEpoch {
    private static let unknown: Int32 = -1

    static func check(_ epoch: Int32) -> ErrorCode {
        if epoch == 0 || epoch == unknown { return .none }
        return epoch > 0 ? .unknownLeaderEpoch : .fencedLeaderEpoch
    }
}

enum ListOffsets {
    private static let latest: Int64 = -1
    private static let earliest: Int64 = -2
    private static let maxTimestamp: Int64 = -3
    private static let maxTimestampFrom: Int16 = 7

    private struct Answer {
        let index: Int32
        var code = ErrorCode.none
        var timestamp: Int64 = -1
        var offset: Int64 = -1

        mutating func take(_ limit: Int64, _ find: () throws(StorageError) -> (offset: Int64, timestamp: Int64)?) {
            do {
                if let found = try find(), found.offset < limit { (offset, timestamp) = found }
            } catch {
                code = .kafkaStorageError
            }
        }
    }

    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        _ = try reader.int32()
        let readCommitted = version >= 2 ? try reader.int8() == 1 : false
        let topics = try reader.array { reader throws(MalformedRequest) -> (name: String, answers: [Answer]) in
            let name = try reader.string()
            let topic = node.catalog.topics[name]
            let answers = try reader.array { reader throws(MalformedRequest) -> Answer in
                let index = try reader.int32()
                let epoch = version >= 4 ? try reader.int32() : -1
                let timestamp = try reader.int64()
                try reader.endStructure()
                var answer = Answer(index: index)
                answer.code = LeaderEpoch.check(epoch)
                guard answer.code == .none else { return answer }
                return find(topic?.partition(index), answer, timestamp, readCommitted, version)
            }
            try reader.endStructure()
            return (name, answers)
        }
        request.answer { writer in
            if version >= 2 { writer.int32(0) }
            writer.array(topics) { writer, topic in
                writer.string(topic.name)
                writer.array(topic.answers) { writer, answer in
                    writer.int32(answer.index)
                    writer.error(answer.code)
                    writer.int64(answer.timestamp)
                    writer.int64(answer.offset)
                    if version >= 4 { writer.int32(answer.offset >= 0 ? 0 : -1) }
                    writer.endStructure()
                }
                writer.endStructure()
            }
            writer.endStructure()
        }
    }

    private static func find(
        _ log: PartitionLog?, _ answer: Answer, _ timestamp: Int64, _ readCommitted: Bool, _ version: Int16
    ) -> Answer {
        var answer = answer
        guard let log else {
            answer.code = .unknownTopicOrPartition
            return answer
        }
        let limit = readCommitted ? log.lastStableOffset : log.nextOffset
        switch timestamp {
        case latest: answer.offset = limit
        case earliest: answer.offset = log.logStartOffset
        case maxTimestamp where version >= maxTimestampFrom:
            answer.take(limit) { () throws(StorageError) in try log.findMaxTimestamp() }
        case 0...: answer.take(limit) { () throws(StorageError) in try log.find(timestamp: timestamp) }
        default: answer.code = .unsupportedVersion
        }
        return answer
    }
}
