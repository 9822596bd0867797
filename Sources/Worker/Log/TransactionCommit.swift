// One Kafka transaction from begin to commit. The order of the calls and what to do about each error follow
// kafka-notes sections 1 and 3: offsets first, and no way back once the commit has begun.
import Kafka
import Platform

struct TransactionCommit {
    let producer: TransactionalProducer
    let group: GroupMetadata
    /// After this the outcome counts as unknown.
    let deadlineMilliseconds: Int64
    /// Before each begin: nothing of the producer's last transaction may be undecided, as the next one would decide it.
    var ready: (_ deadlineMilliseconds: Int64) throws -> Void = { _ in }

    /// A batch that fails again and again is not going to succeed.
    private static let attemptsMax = 5
    private static let callMilliseconds: Int32 = 3_000

    func run(_ transaction: Transaction) throws -> TransactionOutcome {
        let deadline = Clock.monotonicMilliseconds() + deadlineMilliseconds
        var failed = 0
        while true {
            do {
                return .committed(try attemptOnce(transaction, deadline: deadline))
            } catch let error as KafkaError where error.remedy == .abort {
                failed += 1
                try abort(deadline: deadline)
                if Self.lostShards.contains(error.name) { return .notOurs(reason: error.text) }
                guard failed < Self.attemptsMax else {
                    throw FatalError("the transaction failed \(failed) times, the last time: \(error)")
                }
                Log.warning("transaction aborted, trying again", ["error": LogValue(describing: error)])
            }
        }
    }

    /// What the group coordinator says to a member whose shards have gone to another.
    private static let lostShards: Set<String> = [
        "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID", "_ASSIGNMENT_LOST",
    ]

    private func attemptOnce(_ transaction: Transaction, deadline: Int64) throws -> [TopicPartition: Int64] {
        _ = producer.takeDelivered()
        CrashPoint.reach(.beforeTransaction)
        try makeReady(deadline)
        try repeating(deadline) { try producer.begin() }
        try repeating(deadline) {
            try producer.sendOffsets(transaction.positions, group: group, timeoutMilliseconds: Self.callMilliseconds)
        }
        CrashPoint.reach(.offsetsSent)
        try send(transaction.records, deadline: deadline)
        CrashPoint.reach(.recordsSent)
        try repeating(deadline, failing: "the outcome of a transaction stayed unknown") {
            try producer.commit(timeoutMilliseconds: Self.callMilliseconds)
        }
        CrashPoint.reach(.kafkaCommitted)
        return producer.takeDelivered()
    }

    /// There is no transaction yet that an error could ask to abort: whatever it says, the process ends.
    private func makeReady(_ deadline: Int64) throws {
        do { try ready(deadline) } catch let error as KafkaError {
            throw FatalError("a transaction could not be prepared: \(error)")
        }
    }

    /// Each partition's first record goes first, so that all partitions are announced to the coordinator at once; within a
    /// partition the order stays.
    private func send(_ records: [OutgoingRecord], deadline: Int64) throws {
        var known: Set<TopicPartition> = []
        var isSent = [Bool](repeating: false, count: records.count)
        for place in records.indices {
            let partition = TopicPartition(topic: records[place].topic, partition: records[place].partition)
            guard known.insert(partition).inserted else { continue }
            isSent[place] = true
            try repeating(deadline) { try producer.send(records[place]) }
        }
        producer.announcePartitions()
        for place in records.indices where !isSent[place] {
            try repeating(deadline) { try producer.send(records[place]) }
        }
    }

    private func abort(deadline: Int64) throws {
        try repeating(deadline) { try producer.abort(timeoutMilliseconds: Self.callMilliseconds) }
    }

    /// What a deadline means before the commit has begun, and when it has been refused.
    private static let cameToNothing = "a transaction could not be done, nothing of it is committed"

    /// The same call again as long as the error says so; anything but "abort" ends the process. `failing`: what is to be
    /// said when it still says so at the deadline.
    private func repeating(_ deadline: Int64, failing: String = cameToNothing, _ call: () throws -> Void) throws {
        while true {
            do { return try call() } catch let error as KafkaError {
                switch error.remedy {
                case .abort: throw error
                case .retry:
                    guard Clock.monotonicMilliseconds() < deadline else {
                        throw FatalError("\(failing): \(error)")
                    }
                    // A retriable call goes on in the background; a millisecond keeps this loop from spinning.
                    Pause.milliseconds(1)
                case .giveUp, .fixConfiguration: throw FatalError(error, of: producer.transactionalID)
                }
            }
        }
    }
}
