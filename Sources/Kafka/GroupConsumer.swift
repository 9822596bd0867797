// A member of a consumer group. Rebalances happen on the thread that polls, inside the poll.

internal import CRdKafka
internal import Platform

/// Decides where a new assignment begins, and gives it up again. Both run inside `poll` (or `close`) and may take as
/// long as `maxPollIntervalMilliseconds`: heartbeats go on meanwhile.
public protocol RebalanceListener: AnyObject {
    /// The positions to read from; partitions left out are not read, nil is none at all.
    func assigned(_ partitions: [TopicPartition], by consumer: GroupConsumer) -> [Position]?
    /// `lost`: somebody else may have them already, so there is nothing to commit.
    func revoked(_ partitions: [TopicPartition], lost: Bool)
}

/// Belongs to one thread. There is no pause, resume, seek or batch consume here on purpose: in 2.0.2 they repeat or skip
/// records (#4636, #2190, #4208).
public final class GroupConsumer {
    /// How long a topic that was just created may take to be known.
    public static let subscribeTimeoutMilliseconds: Int32 = 10_000

    public let group: String
    private let handle: Handle
    private weak var listener: (any RebalanceListener)?
    private var queue: ConsumerQueue?
    private var poller = Poller()
    private var isOpen = true

    /// - instance: makes it a static member: stopped and started again within the session it keeps its partitions.
    /// - listener: held weakly, as it usually owns this consumer; once it is gone, nothing is assigned any more.
    public init(
        _ settings: KafkaSettings, group: String, instance: String?, sessionTimeoutMilliseconds: Int = 10_000,
        maxPollIntervalMilliseconds: Int = 300_000, listener: any RebalanceListener
    ) throws(KafkaError) {
        self.group = group
        self.listener = listener
        let member = [
            ("group.id", group),
            ("session.timeout.ms", String(sessionTimeoutMilliseconds)),
            ("heartbeat.interval.ms", String(max(100, sessionTimeoutMilliseconds / 10))),
            ("max.poll.interval.ms", String(max(maxPollIntervalMilliseconds, sessionTimeoutMilliseconds))),
            // All or nothing: a rebalance takes everything back before it hands out again.
            ("partition.assignment.strategy", "range"),
            // Aborted records and markers are never delivered: only this tells that nothing is left to read.
            ("enable.partition.eof", "true"),
            // Five minutes by default: until then a topic that some broker did not know yet would stay unread.
            ("topic.metadata.refresh.interval.ms", "30000"),
        ]
        let properties = member + (instance.map { [("group.instance.id", $0)] } ?? [])
        handle = try Handle(
            .consumer, settings, clientID: instance ?? group,
            fetchProperties(settings, readCommitted: true) + properties, events: HandleEvents(handlesRebalances: true))
        // One queue for records, errors and rebalances, so that one poll serves them all.
        _ = unsafe rd_kafka_poll_set_consumer(handle.pointer)
        handle.events.rebalance = { [unowned self] code, partitions in rebalance(code, partitions) }
    }

    deinit {
        handle.events.rebalance = nil
        close()
    }

    /// Waits until the broker knows the topics: one that it learns of later would be noticed only with the next refresh
    /// of the metadata, and the group would share out the others until then.
    public func subscribe(
        _ topics: [String], timeoutMilliseconds: Int32 = GroupConsumer.subscribeTimeoutMilliseconds
    ) throws(KafkaError) {
        try checkOpen()
        try handle.awaitTopics(topics, all: true, Deadline(milliseconds: timeoutMilliseconds))
        let list = PartitionList(topics.map { TopicPartition(topic: $0, partition: -1) })
        let code = unsafe rd_kafka_subscribe(handle.pointer, list.pointer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw handle.error(code, doing: "subscribe to \(topics)") }
    }

    /// One record, or what happened instead. A timeout of 0 only looks.
    public func poll(timeoutMilliseconds: Int32) -> Polled {
        guard isOpen else { return .failed(closed) }
        return poller.poll(handle, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// The group's next offsets, -1 where it has committed none. Stable: waits for transactions that hold them.
    public func committed(
        _ partitions: [TopicPartition], timeoutMilliseconds: Int32
    ) throws(KafkaError) -> [Position] {
        try checkOpen()
        let list = PartitionList(partitions)
        let code = unsafe rd_kafka_committed(handle.pointer, list.pointer, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw handle.error(code, doing: "fetch offsets of group '\(group)'")
        }
        return try list.positions(doing: "fetch offset")
    }

    /// For `sendOffsets`. Take it when an assignment comes and use it until that is revoked: it carries the generation.
    public func groupMetadata() throws(KafkaError) -> GroupMetadata {
        try checkOpen()
        guard let metadata = unsafe rd_kafka_consumer_group_metadata(handle.pointer) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__STATE, doing: "take the metadata of group '\(group)'")
        }
        return unsafe GroupMetadata(consuming: metadata)
    }

    /// Writes eight bytes to the descriptor (an eventfd) when something comes into the empty queue.
    public func wake(_ fileDescriptor: Int32) {
        guard isOpen else { return }
        queue = ConsumerQueue(handle)
        queue?.ring(fileDescriptor)
    }

    /// Where a partition ended when the last fetch looked; nil before the first.
    public func cachedEnd(of partition: TopicPartition) -> Int64? {
        guard isOpen else { return nil }
        var low: Int64 = 0
        var high: Int64 = 0
        let code = unsafe rd_kafka_get_watermark_offsets(
            handle.pointer, partition.topic, partition.partition, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
    }

    public var fatalError: KafkaError? { isOpen ? handle.fatalError : nil }

    /// Gives the assignment up (through the listener) and ends. A static member does not leave its group by this. In
    /// 2.0.2 this can hang after a topic was deleted or a broker went away (#4187, #4724): a process that has finished
    /// its work is better off with `_exit`.
    public func close() {
        guard isOpen else { return }
        isOpen = false
        queue = nil
        _ = unsafe rd_kafka_consumer_close(handle.pointer)
        handle.close()
    }

    private var closed: KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR__STATE, doing: "the consumer of '\(group)' is closed", remedy: .giveUp)
    }

    private func checkOpen() throws(KafkaError) {
        guard isOpen else { throw closed }
    }

    private func rebalance(_ code: rd_kafka_resp_err_t, _ partitions: [Position]) {
        let places = partitions.map(\.topicPartition)
        switch code {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
            assign(listener?.assigned(places, by: self) ?? [])
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
            let lost = unsafe rd_kafka_assignment_lost(handle.pointer) != 0
            listener?.revoked(places, lost: lost)
            unassign()
        default:
            Log.error("kafka: rebalance failed", ["group": LogValue(group), "code": LogValue(code.rawValue)])
            listener?.revoked(places, lost: true)
            unassign()
        }
    }

    private func assign(_ positions: [Position]) {
        let list = PartitionList(positions)
        note(unsafe rd_kafka_assign(handle.pointer, list.pointer))
    }

    private func unassign() { note(unsafe rd_kafka_assign(handle.pointer, nil)) }

    /// An assignment the library refuses leaves the consumer without records; the log says why, the next rebalance mends.
    private func note(_ code: rd_kafka_resp_err_t) {
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        let error = handle.error(code, doing: "assign")
        Log.error("kafka: assignment refused", ["group": LogValue(group), "error": LogValue(describing: error)])
    }
}
