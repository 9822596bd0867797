// Reads partitions from given offsets, without a group: restores, replies, tools.

internal import CRdKafka

/// Belongs to one thread.
public final class Reader {
    private let settings: KafkaSettings
    private let clientID: String
    private let readCommitted: Bool
    private let handle: Handle
    private var queue: ConsumerQueue?
    private var poller = Poller()
    private var next: [TopicPartition: Int64] = [:]
    /// Asks for the true end of a log. A committed reader is told the last stable offset instead (ListOffsets carries
    /// its isolation level), so that it would miss a transaction that is just being committed (KAFKA-10167).
    private var endsHandle: Handle?
    private var isOpen = true

    public init(_ settings: KafkaSettings, clientID: String, readCommitted: Bool = true) throws(KafkaError) {
        self.settings = settings
        self.clientID = clientID
        self.readCommitted = readCommitted
        handle = try Reader.open(settings, clientID, readCommitted: readCommitted)
        _ = unsafe rd_kafka_poll_set_consumer(handle.pointer)
    }

    deinit { close() }

    private static func open(
        _ settings: KafkaSettings, _ clientID: String, readCommitted: Bool
    ) throws(KafkaError) -> Handle {
        // The library wants a group's name even where no group is joined and nothing is committed.
        let own = [("group.id", clientID), ("enable.partition.eof", "true")]
        return try Handle(
            .consumer, settings, clientID: clientID, fetchProperties(settings, readCommitted: readCommitted) + own)
    }

    /// Replaces what is read. Positions must be numbers: "latest" would lose what is written before it is resolved.
    public func assign(_ positions: [Position]) throws(KafkaError) {
        try checkOpen()
        if let unknown = positions.first(where: { $0.offset < 0 }) {
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, doing: "assign \(unknown)")
        }
        let list = PartitionList(positions)
        let code = unsafe rd_kafka_assign(handle.pointer, list.pointer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw handle.error(code, doing: "assign \(positions)") }
        next = Dictionary(positions.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: { $1 })
    }

    public func poll(timeoutMilliseconds: Int32) -> Polled {
        guard isOpen else { return .failed(closed) }
        let polled = poller.poll(handle, timeoutMilliseconds: timeoutMilliseconds)
        switch polled {
        case .record(let record): next[record.topicPartition] = record.offset + 1
        // Only here does the position pass the control records at the end of a transaction.
        case .end(let place, let offset): next[place] = offset
        case .idle, .failed: break
        }
        return polled
    }

    /// The next offset to be delivered, as far as `poll` has come.
    public func position(of partition: TopicPartition) -> Int64? { next[partition] }

    public func wake(_ fileDescriptor: Int32) {
        guard isOpen else { return }
        queue = ConsumerQueue(handle)
        queue?.ring(fileDescriptor)
    }

    /// The first offset of a log and the high watermark, open transactions included.
    public func watermarks(
        _ partition: TopicPartition, timeoutMilliseconds: Int32
    ) throws(KafkaError) -> (low: Int64, high: Int64) {
        var low: Int64 = 0
        var high: Int64 = 0
        let handle = try endsOfLogs()
        let code = unsafe rd_kafka_query_watermark_offsets(
            handle.pointer, partition.topic, partition.partition, &low, &high, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw lookingAgain(handle, handle.error(code, doing: "query the watermarks of \(partition)"))
        }
        return (low, high)
    }

    /// The high watermarks of many partitions with one request per broker.
    public func highWatermarks(
        _ partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [Position] {
        try offsets(partitions, atTimestampMilliseconds: Reader.latest, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// The first offsets that still exist, likewise.
    public func lowWatermarks(
        _ partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [Position] {
        try offsets(partitions, atTimestampMilliseconds: Reader.earliest, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// The first offset whose record is not older than the time; -1 where all are.
    public func offsets(
        _ partitions: [TopicPartition], atTimestampMilliseconds timestamp: Int64, timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [Position] {
        let handle = try endsOfLogs()
        let list = PartitionList(
            partitions.map { Position(topic: $0.topic, partition: $0.partition, offset: timestamp) })
        // The list takes times where it otherwise takes offsets, so the one negative number of Kafka's is put in here.
        if timestamp < 0 { list.setOffsets(timestamp) }
        let code = unsafe rd_kafka_offsets_for_times(handle.pointer, list.pointer, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw lookingAgain(handle, handle.error(code, doing: "look for offsets of \(partitions)"))
        }
        return try list.positions(doing: "look for the offset")
    }

    /// After a broker died its partitions have other leaders, but the library goes on asking the one it remembers, for
    /// minutes where nothing of the topic is read. The whole metadata makes it forget; the caller's next try finds them.
    private func lookingAgain(_ handle: Handle, _ error: KafkaError) -> KafkaError {
        if error.remedy == .retry {
            _ = try? handle.partitionCounts(all: true, timeoutMilliseconds: Reader.lookAgainMilliseconds)
        }
        return error
    }
    private static let lookAgainMilliseconds: Int32 = 1_000

    /// Kafka's numbers for "the end" and "the beginning" in place of a time.
    private static let latest: Int64 = -1
    private static let earliest: Int64 = -2

    public func close() {
        guard isOpen else { return }
        isOpen = false
        queue = nil
        endsHandle?.close()
        _ = unsafe rd_kafka_consumer_close(handle.pointer)
        handle.close()
    }

    private func endsOfLogs() throws(KafkaError) -> Handle {
        try checkOpen()
        guard readCommitted else { return handle }
        if let endsHandle { return endsHandle }
        let opened = try Reader.open(settings, clientID, readCommitted: false)
        endsHandle = opened
        return opened
    }

    private var closed: KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR__STATE, doing: "the reader '\(clientID)' is closed", remedy: .giveUp)
    }

    private func checkOpen() throws(KafkaError) {
        guard isOpen else { throw closed }
    }
}
