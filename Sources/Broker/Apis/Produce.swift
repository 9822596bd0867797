// Produce: batches are checked, given their offsets and stored as they came.
import Platform

enum Produce {
    private struct Partition {
        let index: Int32
        let records: Range<Int>?
    }
    private struct Result {
        let index: Int32
        var code = ErrorCode.none
        var reason: String?
        var baseOffset: Int64 = -1
        var timestamp: Int64 = -1
        var logStartOffset: Int64 = -1
    }

    /// What Kafka's message.timestamp.after.max.ms is by default: records of a broken clock would outlive all retention.
    private static let maximumAheadMilliseconds: Int64 = 3_600_000
    private static let zstandard: Int16 = 4
    private static let zstandardFrom: Int16 = 7

    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let transactionalId = try reader.nullableString()
        let acks = try reader.int16()
        _ = try reader.int32()
        let topics = try reader.array { reader throws(MalformedRequest) -> (name: String, partitions: [Partition]) in
            let name = try reader.string()
            let partitions = try reader.array { reader throws(MalformedRequest) -> Partition in
                let partition = Partition(index: try reader.int32(), records: try reader.nullableBytesRange())
                try reader.endStructure()
                return partition
            }
            try reader.endStructure()
            return (name, partitions)
        }
        try reader.endStructure()
        var frame = reader.takeBytes()
        let validAcks = (-1...1).contains(acks)
        var results: [(name: String, partitions: [Result])] = []
        for topic in topics {
            let partitions = topic.partitions.map { partition in
                validAcks
                    ? store(node, request.version, transactionalId, topic.name, partition, &frame)
                    : Result(index: partition.index, code: .invalidRequiredAcks)
            }
            results.append((topic.name, partitions))
        }
        if acks == 0 {
            // Nobody waits for an answer; an error shows as a lost connection, as with Kafka.
            let failed = results.contains { $0.partitions.contains { $0.code != .none } }
            return failed ? request.closeConnection() : request.finishSilently()
        }
        answer(request, results)
    }

    private static func store(
        _ node: BrokerNode, _ version: Int16, _ transactionalId: String?, _ name: String, _ partition: Partition,
        _ frame: inout [UInt8]
    ) -> Result {
        var result = Result(index: partition.index)
        let key = TopicPartition(topic: name, partition: partition.index)
        guard let topic = node.catalog.topics[name], let log = topic.partition(partition.index) else {
            result.code = .unknownTopicOrPartition
            return result
        }
        do {
            guard let range = partition.records, !range.isEmpty else {
                throw RejectedBatch(.invalidRecord, "no record batch")
            }
            let header = try RecordBatch.check(
                frame, range, maximumSize: topic.config.maximumMessageBytes, keyRequired: topic.config.compacts)
            guard header.maxTimestamp <= node.wallMilliseconds + maximumAheadMilliseconds else {
                throw RejectedBatch(.invalidTimestamp, "the timestamp lies in the future")
            }
            if header.compression == zstandard && version < zstandardFrom {
                throw RejectedBatch(.unsupportedCompressionType, "this version of Produce has no zstd")
            }
            if header.isTransactional {
                try node.transactions.verifyProduce(transactionalId, header, key)
            }
            switch try log.append(&frame, range, header, nowMilliseconds: node.wallMilliseconds) {
            case .stored(let offset):
                result.baseOffset = offset
                node.core.grown(log)
            case .duplicate(let batch):
                result.baseOffset = batch.baseOffset
                result.timestamp = batch.timestamp
            case .refused(let code): result.code = code
            }
            result.logStartOffset = log.logStartOffset
        } catch let rejected as RejectedBatch {
            result.code = rejected.code
            result.reason = rejected.reason
        } catch {
            Log.error("batch not stored", ["topic": LogValue(name), "error": LogValue(describing: error)])
            result.code = .kafkaStorageError
        }
        return result
    }

    private static func answer(_ request: Request, _ results: [(name: String, partitions: [Result])]) {
        request.answer { writer in
            writer.array(results) { writer, topic in
                writer.string(topic.name)
                writer.array(topic.partitions) { writer, result in
                    writer.int32(result.index)
                    writer.error(result.code)
                    writer.int64(result.baseOffset)
                    writer.int64(result.timestamp)
                    if request.version >= 5 { writer.int64(result.logStartOffset) }
                    if request.version >= 8 {
                        writer.count(0)
                        writer.nullableString(result.reason)
                    }
                    writer.endStructure()
                }
                writer.endStructure()
            }
            writer.int32(0)
            writer.endStructure()
        }
    }
}
