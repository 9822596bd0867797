// The loop's log on Kafka: one group consumer, transactional producers that take turns, a plain one for replies.
import Kafka
import Platform
import Wire

final class KafkaLog: WorkerLog, RebalanceListener {
    private let settings: KafkaSettings
    private let instance: String
    private let limits: WorkerLimits
    private let topics: Topics
    private let service: String
    private let producers: [TransactionalProducer]
    private let replies: Producer
    private var consumer: GroupConsumer?
    private var group: GroupMetadata?
    private var restorer: Reader?
    private var turn = 0
    private var needsSweep = true
    weak var keeper: (any ShardKeeper)?

    init(
        settings: KafkaSettings, topics: Topics, service: String, instance: String, limits: WorkerLimits,
        replies: Producer
    ) throws {
        self.settings = settings
        self.topics = topics
        self.service = service
        self.instance = instance
        self.limits = limits
        self.replies = replies
        producers = try (0..<limits.transactionalProducers).map { number in
            // Transactional ids belong to the whole cluster, instance names only to a system.
            try TransactionalProducer(
                settings, transactionalID: "\(topics.system).\(instance)-\(number)",
                transactionTimeoutMilliseconds: Int(limits.transactionMilliseconds))
        }
        let outputs = [topics.events, topics.requests(service), topics.state(service), topics.deadLetters]
        for producer in producers {
            // First the predecessor's transaction is ended, then the topics are warmed up: the first batch is not late.
            try producer.initialise(timeoutMilliseconds: 30_000)
            try producer.warmUp(topics: outputs, timeoutMilliseconds: 10_000)
        }
    }

    /// Joins the group. From now on polls may hand over shards.
    func join(wake: Wake) throws {
        let consumer = try GroupConsumer(
            settings, group: service, instance: instance,
            sessionTimeoutMilliseconds: Int(limits.sessionMilliseconds),
            maxPollIntervalMilliseconds: Int(limits.pollMillisecondsMax), listener: self)
        consumer.wake(wake.fileDescriptor)
        try consumer.subscribe([topics.events, topics.requests(service)])
        self.consumer = consumer
    }

    // MARK: - Input

    func poll(timeoutMilliseconds: Int32) -> Polled {
        consumer?.poll(timeoutMilliseconds: timeoutMilliseconds) ?? .idle
    }

    func assigned(_ partitions: [TopicPartition], by consumer: GroupConsumer) -> [Position]? {
        // Bound to this generation: a batch of shards we have lost since cannot be committed with it.
        do { group = try consumer.groupMetadata() } catch {
            keeper?.fail(FatalError("no group metadata at assignment: \(error)"))
            return nil
        }
        return keeper?.take(partitions)
    }

    func revoked(_ partitions: [TopicPartition], lost: Bool) {
        keeper?.release(lost: lost)
        group = nil
    }

    func committed(_ partitions: [TopicPartition]) throws -> [Position] {
        if needsSweep { try sweep(partitions) }
        do {
            return try consumer?.committed(partitions, timeoutMilliseconds: 5_000) ?? []
        } catch {
            // Offsets that stay unstable may be held by what a former life of ours left behind.
            needsSweep = true
            throw error
        }
    }

    /// Ends what the broker may have forgotten to end. Apache Kafka 4.3.1 that is killed inside a transaction and started
    /// again can complete its abort without the marker in `__consumer_offsets`, and the group's offsets are then
    /// unreadable for ever (docs/decisions/0021-a-transaction-that-hangs.md). A marker of the same producer, from a
    /// transaction that announces an offset and is aborted, ends the old one as well.
    private func sweep(_ partitions: [TopicPartition]) throws {
        guard let group, let first = partitions.first else { return }
        needsSweep = false
        let announced = [Position(topic: first.topic, partition: first.partition, offset: 0)]
        for producer in producers {
            try TransactionCommit(
                producer: producer, group: group, deadlineMilliseconds: Int64(limits.transactionMilliseconds)
            ).announceAndAbort(announced)
        }
    }

    func beginnings(of partitions: [TopicPartition]) throws -> [TopicPartition: Int64] {
        let first = try reader().lowWatermarks(partitions, timeoutMilliseconds: 10_000)
        return Dictionary(first.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: min)
    }

    func end(of partition: TopicPartition) -> Int64? { consumer?.cachedEnd(of: partition) }

    func restore(_ from: [Position], _ apply: ([Record]) throws -> Bool) throws -> [Position] {
        try StateReader(try reader()).readToEnd(from, apply)
    }

    /// Connected once: a handle of librdkafka costs threads and a hundred milliseconds.
    private func reader() throws -> Reader {
        if let restorer { return restorer }
        let reader = try Reader(settings, clientID: "\(instance)-restore")
        restorer = reader
        return reader
    }

    // MARK: - Output

    func commit(_ transaction: Transaction) throws -> TransactionOutcome {
        guard let group else { return .notOurs(reason: "no assignment") }
        let producer = producers[turn % producers.count]
        turn += 1
        let commit = TransactionCommit(
            producer: producer, group: group, deadlineMilliseconds: Int64(limits.transactionMilliseconds))
        let outcome = try commit.run(transaction)
        // Whatever is still polled of the old assignment must not be committed under it.
        if case .notOurs = outcome { self.group = nil }
        return outcome
    }

    func reply(_ record: OutgoingRecord) {
        do { try replies.send(record) } catch {
            // The requester repeats, and the answer is kept: late, not lost.
            Log.warning("a reply could not be sent", ["error": LogValue(describing: error)])
        }
    }

    func serve() { replies.serve(timeoutMilliseconds: 0) }

    func close() {
        replies.serve(timeoutMilliseconds: 0)
        try? replies.flush(timeoutMilliseconds: 2_000)
    }
}
