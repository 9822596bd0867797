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
    /// Everything this worker writes to.
    private let outputs: [String]
    private let producers: [TransactionalProducer]
    private let replies: Producer
    private var consumer: GroupConsumer?
    private var group: GroupMetadata?
    private var restorer: Reader?
    private var turn = 0
    private let watch: TransactionWatch
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
            neverClosed(
                try TransactionalProducer(
                    settings, transactionalID: "\(topics.system).\(instance)-\(number)",
                    transactionTimeoutMilliseconds: Int(limits.transactionMilliseconds)))
        }
        outputs = [topics.events, topics.requests(service), topics.state(service), topics.deadLetters]
        let mender = TransactionMender(
            settings, topics: outputs, transactionalIDs: Set(producers.map(\.transactionalID)))
        watch = TransactionWatch(mender, group: service)
    }

    // MARK: - The start

    /// How long one step of the start is tried.
    private static let startMilliseconds: Int64 = 60_000
    /// A call takes no longer than this, so that whoever asks the process to stop, or whether it lives, is soon heard.
    private static let callMilliseconds: Int32 = 3_000

    /// Begins a new life of the transactional ids. False when `goesOn` has said no before all was done.
    func prepare(while goesOn: () -> Bool) throws -> Bool {
        // Before the ids begin a new life: what the last one left undecided can be told from the coordinator's state now.
        guard try patiently(goesOn, watch.lookWell) else { return false }
        for producer in producers {
            // First the predecessor's transaction is ended, then the topics are warmed up: the first batch is not late.
            let isReady =
                try patiently(goesOn) { try producer.initialise(timeoutMilliseconds: Self.callMilliseconds) }
                && patiently(goesOn) {
                    try producer.warmUp(topics: outputs, timeoutMilliseconds: Self.callMilliseconds)
                }
            guard isReady else { return false }
        }
        return true
    }

    /// Joins the group. From now on polls may hand over shards. False as with `prepare`.
    func join(wake: Wake, while goesOn: () -> Bool) throws -> Bool {
        let consumer = neverClosed(
            try GroupConsumer(
                settings, group: service, instance: instance,
                sessionTimeoutMilliseconds: Int(limits.sessionMilliseconds),
                maxPollIntervalMilliseconds: Int(limits.pollMillisecondsMax), listener: self))
        consumer.wake(wake.fileDescriptor)
        let inputs = [topics.events, topics.requests(service)]
        self.consumer = consumer
        return try patiently(goesOn) {
            try consumer.subscribe(inputs, timeoutMilliseconds: Self.callMilliseconds)
        }
    }

    /// The same call until it succeeds; false when `goesOn`, asked before each, has had enough.
    private func patiently(_ goesOn: () -> Bool, _ call: () throws -> Void) throws -> Bool {
        let deadline = Clock.monotonicMilliseconds() + Self.startMilliseconds
        var isTold = false
        while goesOn() {
            do {
                try call()
                return true
            } catch let error as KafkaError where error.remedy == .retry || error.name == Self.notKnownYet {
                guard Clock.monotonicMilliseconds() < deadline else { throw FatalError("the start failed: \(error)") }
                // Once is enough: the deadline says the rest.
                if !isTold { Log.warning("the start waits for Kafka", ["error": LogValue(describing: error)]) }
                isTold = true
                Pause.milliseconds(50)
            } catch let error as KafkaError where error.isFenced {
                throw FatalError(error, of: instance)
            }
        }
        return false
    }

    /// A topic that one broker knows, and another will in a moment.
    private static let notKnownYet = "_UNKNOWN_TOPIC"

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
        do {
            return try consumer?.committed(partitions, timeoutMilliseconds: 5_000) ?? []
        } catch {
            // Offsets that stay unstable may be held by a transaction of somebody who is no more, or of nobody.
            watch.lookBriefly()
            watch.remind()
            throw error
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
        let reader = neverClosed(try Reader(settings, clientID: "\(instance)-restore"))
        restorer = reader
        return reader
    }

    // MARK: - Output

    func commit(_ transaction: Transaction) throws -> TransactionOutcome {
        guard let group else { return .notOurs(reason: "no assignment") }
        let producer = producers[turn % producers.count]
        turn += 1
        let commit = TransactionCommit(
            producer: producer, group: group, deadlineMilliseconds: Int64(limits.transactionMilliseconds),
            ready: { [self] in try watch.settle(deadline: $0) })
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

    func serve() {
        replies.serve(timeoutMilliseconds: 0)
        watch.lookNowAndThen()
    }

    func close() {
        replies.serve(timeoutMilliseconds: 0)
        try? replies.flush(timeoutMilliseconds: 2_000)
    }
}
