// What the loop needs of a log. Kafka in a process; a model with a seed in the simulation.
import Kafka

/// Everything that must happen together, or not at all.
struct Transaction {
    /// Next record to read, by input partition.
    var positions: [Position]
    var records: [OutgoingRecord]
}

enum TransactionOutcome {
    /// The highest offset written, by partition.
    case committed([TopicPartition: Int64])
    /// The shards have a new owner: nothing was written, and nothing of the batch may be.
    case notOurs(reason: String)
}

/// Ends the process: after it nobody knows what the broker holds, so the next process asks the broker.
struct FatalError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }

    /// `name`: the instance or the transactional id that the error is about, which only one process may have.
    init(_ error: KafkaError, of name: String) {
        let why =
            "another process is at work as \(name) on this Kafka, the successor of this one or one of a second system "
            + "of the same name, which needs a Kafka of its own; or this one stood still for too long: "
        description = (error.isFenced ? why : "") + error.description
    }
}

/// Told of shards that come and go, on the thread that polls.
protocol ShardKeeper: AnyObject {
    /// The offsets to read from; nil when the process cannot go on.
    func take(_ partitions: [TopicPartition]) -> [Position]?
    func release(lost: Bool)
    func fail(_ error: any Error)
}

protocol WorkerLog: AnyObject {
    func poll(timeoutMilliseconds: Int32) -> Polled
    /// Committed input positions, after waiting for transactions of a predecessor; offset -1 where there is none.
    func committed(_ partitions: [TopicPartition]) throws -> [Position]
    /// First offsets that still exist.
    func beginnings(of partitions: [TopicPartition]) throws -> [TopicPartition: Int64]
    /// Where an input partition ends, as far as the last fetch knew; nil when it does not.
    func end(of partition: TopicPartition) -> Int64?
    /// Reads partitions of the state topic from the given offsets to their ends, or until `apply` has enough and says
    /// false. Returns the next offsets.
    func restore(_ from: [Position], _ apply: ([Record]) throws -> Bool) throws -> [Position]
    /// Throws only a `FatalError`.
    func commit(_ transaction: Transaction) throws -> TransactionOutcome
    func reply(_ record: OutgoingRecord)
    /// Lets replies and reports go out.
    func serve()
}
