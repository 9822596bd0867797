// A producer of transactions: records and input offsets together, all or nothing.

internal import CRdKafka

/// Belongs to the worker's thread: transactions of one producer follow each other.
public final class TransactionalProducer {
    /// How long `send` makes room in a full queue before it gives the transaction up.
    public static let queueFullMilliseconds: Int32 = 5_000

    public let transactionalID: String
    private let handle: Handle
    private let topics: TopicHandles
    private let clock = HastyClock()
    /// Whether a call of the present transaction has failed.
    private var hasFailed = false

    /// A small `transactionTimeoutMilliseconds` bounds how long a dead process holds up the readers of its partitions.
    public init(
        _ settings: KafkaSettings, transactionalID: String, transactionTimeoutMilliseconds: Int = 10_000
    ) throws(KafkaError) {
        self.transactionalID = transactionalID
        handle = try Handle(
            .producer, settings, clientID: transactionalID,
            [
                ("transactional.id", transactionalID),
                ("transaction.timeout.ms", String(transactionTimeoutMilliseconds)),
                // The default of 100 would be paid whenever a transaction meets the markers of the one before.
                ("retry.backoff.ms", "5"),
                // Flushing at the end of a transaction overrides it; this is for the records before that.
                ("linger.ms", "5"),
                ("queue.buffering.max.kbytes", String(settings.sendQueueKilobytes)),
            ], events: HandleEvents(notesDeliveries: true), clock: clock)
        topics = TopicHandles(handle)
    }

    deinit {
        topics.close()
        handle.close()
    }

    /// Fences and ends what a predecessor of the same id left behind. Before any other call, and before subscribing.
    public func initialise(timeoutMilliseconds: Int32) throws(KafkaError) {
        let deadline = Deadline(milliseconds: timeoutMilliseconds)
        while true {
            do throws(KafkaError) {
                return unsafe try check(
                    rd_kafka_init_transactions(handle.pointer, deadline.remainingMilliseconds), "initialise")
            } catch {
                guard error.remedy == .retry, !deadline.isOver else { throw error }
                // A retriable error may come at once, for example while the broker looks for its coordinator.
                _ = unsafe rd_kafka_poll(handle.pointer, 20)
            }
        }
    }

    public func warmUp(topics names: [String], timeoutMilliseconds: Int32) throws(KafkaError) {
        try topics.warmUp(names, timeoutMilliseconds: timeoutMilliseconds)
    }

    public func begin() throws(KafkaError) {
        hasFailed = false
        clock.hurry(false)
        _ = handle.events.takeUnplaced()
        unsafe try check(rd_kafka_begin_transaction(handle.pointer), "begin")
    }

    /// The next input offsets of the group, under the generation the metadata was taken in. First in a transaction: a
    /// member that lost its shards fails here, before it has written anything. Version 2.0.2 may wait longer than the
    /// timeout (#5456), so the caller needs a watchdog.
    public func sendOffsets(
        _ positions: [Position], group: GroupMetadata, timeoutMilliseconds: Int32
    ) throws(KafkaError) {
        let list = PartitionList(positions)
        let error = unsafe rd_kafka_send_offsets_to_transaction(
            handle.pointer, list.pointer, group.pointer, bounded(timeoutMilliseconds))
        unsafe try check(error, "send offsets \(positions) in")
    }

    /// Queues the record. While the queue is full it is emptied, for a bounded time.
    public func send(_ record: OutgoingRecord) throws(KafkaError) {
        // The clock is read only once the queue is full, not for every record.
        var deadline: Deadline?
        while true {
            do throws(KafkaError) {
                return try topics.send(record)
            } catch {
                let end = deadline ?? Deadline(milliseconds: TransactionalProducer.queueFullMilliseconds)
                deadline = end
                guard error.isQueueFull, !end.isOver else { throw inTransaction(error) }
                _ = unsafe rd_kafka_poll(handle.pointer, 10)
            }
        }
    }

    /// Every partition of the transaction has its first record: they are announced to the coordinator now, in one request,
    /// and not a millisecond after the first.
    public func announcePartitions() { clock.hurry(true) }

    /// One attempt. `.retry` means the same call again, and never `abort`: the commit goes on in the background.
    public func commit(timeoutMilliseconds: Int32) throws(KafkaError) {
        try deliver(timeoutMilliseconds: timeoutMilliseconds)
        unsafe try check(rd_kafka_commit_transaction(handle.pointer, bounded(timeoutMilliseconds)), "commit")
    }

    /// Nothing is committed before the broker has said of every record where it lies. Version 2.0.2 counts a batch that
    /// was refused as delivered once a later one of the partition was taken; a broker without a memory of this producer
    /// takes it, whatever its number, and the records of the first are lost. Such a delivery has no offset. A repeat that
    /// the broker recognised has none either: aborting is right for one and harmless for the other.
    private func deliver(timeoutMilliseconds: Int32) throws(KafkaError) {
        let code = unsafe rd_kafka_flush(handle.pointer, bounded(timeoutMilliseconds))
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw handle.error(code, doing: "deliver the records of \(transactionalID)", remedy: .retry)
        }
        let unplaced = handle.events.takeUnplaced()
        guard unplaced == 0 else {
            let text = "nobody knows where \(unplaced) delivered records of \(transactionalID) lie"
            throw KafkaError(remedy: .abort, code: 0, name: "UNPLACED", text: text)
        }
    }

    /// One attempt, as with `commit`.
    public func abort(timeoutMilliseconds: Int32) throws(KafkaError) {
        // An abort while the first partition of a transaction is still being announced is fatal (#4849). A transaction
        // that nothing has gone wrong with therefore first delivers what it has.
        if !hasFailed { _ = unsafe rd_kafka_flush(handle.pointer, bounded(timeoutMilliseconds)) }
        unsafe try check(rd_kafka_abort_transaction(handle.pointer, bounded(timeoutMilliseconds)), "abort")
    }

    /// The highest offset delivered to each partition since the last call. After an abort: take and forget.
    public func takeDelivered() -> [TopicPartition: Int64] { handle.events.takeDelivered() }

    /// Not nil: fenced or out of step with the broker, this process is of no more use.
    public var fatalError: KafkaError? { handle.fatalError }

    /// A record that cannot be sent means that the transaction cannot be committed.
    private func inTransaction(_ error: KafkaError) -> KafkaError {
        guard error.remedy == .retry else { return error }
        return KafkaError(remedy: .abort, code: error.code, name: error.name, text: error.text)
    }

    /// -1 would wait without any bound while the broker is away.
    private func bounded(_ timeoutMilliseconds: Int32) -> Int32 { max(1, timeoutMilliseconds) }

    private func check(_ error: OpaquePointer?, _ what: @autoclosure () -> String) throws(KafkaError) {
        guard let error = unsafe error else { return }
        hasFailed = true
        throw unsafe KafkaError(consuming: error, doing: "\(what()) transaction of \(transactionalID)")
    }
}
