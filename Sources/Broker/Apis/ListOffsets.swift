// ListOffsets: the earliest, the latest, or the first offset at or after a time.

enum ListOffsets {
    private static let latest: Int64 = -1
    private static let earliest: Int64 = -2
    private static let maxTimestamp: Int64 = -3

    private struct Answer {
        let index: Int32
        var code = ErrorCode.none
        var timestamp: Int64 = -1
        var offset: Int64 = -1
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
                if version >= 4 { _ = try reader.int32() }
                let timestamp = try reader.int64()
                try reader.endStructure()
                return find(topic?.partition(index), index, timestamp, readCommitted)
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

    private static func find(_ log: PartitionLog?, _ index: Int32, _ timestamp: Int64, _ readCommitted: Bool) -> Answer
    {
        var answer = Answer(index: index)
        guard let log else {
            answer.code = .unknownTopicOrPartition
            return answer
        }
        let limit = readCommitted ? log.lastStableOffset : log.nextOffset
        switch timestamp {
        case latest: answer.offset = limit
        case earliest: answer.offset = log.logStartOffset
        case maxTimestamp:
            if let found = log.findMaxTimestamp(), found.offset < limit { (answer.offset, answer.timestamp) = found }
        case 0...:
            do {
                if let found = try log.find(timestamp: timestamp), found.offset < limit {
                    (answer.offset, answer.timestamp) = found
                }
            } catch {
                answer.code = .kafkaStorageError
            }
        default: answer.code = .invalidRequest
        }
        return answer
    }
}
