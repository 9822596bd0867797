// A broker in memory, for loops that run in one thread with a seed: logs with gaps where markers would be, a group whose
// members release before others receive, generations that fence, and time that only the simulation moves.
import Foundation
import Kafka
import Wire

@testable import Worker

/// SplitMix64: small, and the same everywhere.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    /// True once in so many times.
    mutating func once(in times: Int) -> Bool { below(times) == 0 }
}

final class ModelBroker {
    var random: SeededRandom
    let topics: Topics
    let service: String
    let shardCount: Int32
    var now: Int64 = 1_000_000
    /// Wall clocks jump; the monotonic one does not.
    var wallOffset: Int64 = Int64(Date().timeIntervalSince1970 * 1000) - 1_000_000
    /// While false, nothing goes wrong.
    var isRough = true

    /// nil is an offset that no reader sees: a marker, or a record of an aborted transaction.
    private var logs: [TopicPartition: [Record?]] = [:]
    /// A test may make the group forget.
    var offsets: [TopicPartition: Int64] = [:]

    // The group.
    private(set) var generation = 0
    private(set) var members: [Int: ModelLog] = [:]
    private var isRebalancing = false
    private var rebalanceStarted: Int64 = 0
    private var assignment: [Int: [Int32]] = [:]

    init(seed: UInt64, topics: Topics, service: String, shardCount: Int32) {
        random = SeededRandom(seed: seed)
        self.topics = topics
        self.service = service
        self.shardCount = shardCount
    }

    var clock: LoopClock {
        LoopClock(wall: { [unowned self] in now + wallOffset }, monotonic: { [unowned self] in now })
    }

    // MARK: - Logs

    func end(_ place: TopicPartition) -> Int64 { Int64(logs[place]?.count ?? 0) }

    @discardableResult
    func append(_ record: OutgoingRecord) -> Int64 {
        let place = TopicPartition(topic: record.topic, partition: record.partition)
        let offset = end(place)
        logs[place, default: []].append(
            Record(
                topic: record.topic, partition: record.partition, offset: offset,
                timestampMilliseconds: now + wallOffset, key: record.key, value: record.value, headers: record.headers))
        return offset
    }

    func gap(_ place: TopicPartition) { logs[place, default: []].append(nil) }

    /// The record at this place or the next one there is.
    func record(_ place: TopicPartition, from offset: Int64) -> Record? {
        guard let log = logs[place], offset < log.count else { return nil }
        return log[Int(offset)...].lazy.compactMap { $0 }.first
    }

    func records(_ place: TopicPartition) -> [Record] { (logs[place] ?? []).compactMap { $0 } }

    /// The last word about a key.
    func last(_ place: TopicPartition, key: [UInt8]) -> Record? {
        logs[place]?.reversed().lazy.compactMap { $0 }.first { $0.key == key }
    }

    func stateTopic(_ shard: Int32) -> TopicPartition {
        TopicPartition(topic: topics.state(service), partition: shard)
    }

    func inputs(_ shard: Int32) -> [TopicPartition] {
        [topics.events, topics.requests(service)].map { TopicPartition(topic: $0, partition: shard) }
    }

    /// All input has been handled and committed.
    var isDrained: Bool {
        (0..<shardCount).allSatisfy { shard in
            inputs(shard).allSatisfy { record($0, from: max(0, offsets[$0] ?? 0)) == nil }
        }
    }

    // MARK: - Transactions

    /// What the coordinator does with a transaction of this member.
    func commit(_ transaction: Transaction, of log: ModelLog) -> TransactionOutcome {
        guard log.isCurrent else {
            for record in transaction.records where random.once(in: 2) {
                gap(TopicPartition(topic: record.topic, partition: record.partition))
            }
            return .notOurs(reason: "ILLEGAL_GENERATION")
        }
        var written: [TopicPartition: Int64] = [:]
        for record in transaction.records {
            let place = TopicPartition(topic: record.topic, partition: record.partition)
            let offset = append(record)
            // A repeat that the broker recognised comes back without an offset.
            if !(isRough && random.once(in: 50)) { written[place] = offset }
        }
        for place in Set(transaction.records.map { TopicPartition(topic: $0.topic, partition: $0.partition) }) {
            gap(place)
        }
        for position in transaction.positions { offsets[position.topicPartition] = position.offset }
        return .committed(written)
    }

    // MARK: - The group

    /// A member starts. One that is still in the group gets back what it had, at once; a new one makes all others move.
    func join(_ log: ModelLog) {
        let wasThere = members[log.member] != nil
        members[log.member] = log
        if wasThere, !isRebalancing, let own = assignment[log.member] {
            log.pending = (own, generation)
        } else {
            startRebalance()
        }
    }

    /// The session of a member that keeps silent is over.
    func expire(_ member: Int) {
        guard members.removeValue(forKey: member) != nil else { return }
        assignment[member] = nil
        startRebalance()
    }

    func startRebalance() {
        isRebalancing = true
        rebalanceStarted = now
        for log in members.values { log.mustRelease = true }
    }

    /// Members that have not let go in time are left behind; the others receive.
    func tick() {
        guard isRebalancing else { return }
        let late = members.filter { $0.value.mustRelease }
        guard late.isEmpty || now - rebalanceStarted > 2_000 else { return }
        for member in late.keys {
            members[member]?.isLost = true
            members[member] = nil
        }
        isRebalancing = false
        generation += 1
        assignment = [:]
        let present = members.keys.sorted()
        guard !present.isEmpty else { return }
        for shard in 0..<shardCount {
            // Contiguous ranges, as the range assignor gives them.
            assignment[present[Int(shard) * present.count / Int(shardCount)], default: []].append(shard)
        }
        for member in present { members[member]?.pending = (assignment[member] ?? [], generation) }
    }
}

/// Ends a simulated process wherever it is.
struct SimulatedCrash: Error {}

/// One life of one member: what KafkaLog is to a process.
final class ModelLog: WorkerLog {
    let member: Int
    private unowned let broker: ModelBroker
    weak var keeper: (any ShardKeeper)?
    private(set) var generation = -1
    var mustRelease = false
    /// Left behind by a rebalance; it does not know yet.
    var isLost = false
    var pending: (shards: [Int32], generation: Int)?
    private var positions: [TopicPartition: Int64] = [:]
    private(set) var isDead = false
    /// Calls until the process dies; nil is never.
    var fuse: Int?
    /// For a look at what is there before a transaction, and before a reply.
    var willCommit: () -> Void = {}
    var willReply: (OutgoingRecord) -> Void = { _ in }
    /// Its shards are its own: nobody has received them since.
    var isCurrent: Bool { broker.members[member] === self && generation == broker.generation }

    init(member: Int, broker: ModelBroker) {
        self.member = member
        self.broker = broker
    }

    /// True when the process has died here: nothing it does from now on has an effect.
    private func burn() -> Bool {
        if let left = fuse {
            fuse = left - 1
            if left <= 0 { isDead = true }
        }
        return isDead
    }

    func poll(timeoutMilliseconds: Int32) -> Polled {
        if burn() { return .idle }
        if isLost && broker.random.once(in: 20) {
            isLost = false
            letGo(lost: true)
            broker.join(self)
            return .idle
        }
        if mustRelease {
            letGo(lost: false)
            return .idle
        }
        if let (shards, newGeneration) = pending {
            pending = nil
            receive(shards, newGeneration)
            return .idle
        }
        return next()
    }

    private func letGo(lost: Bool) {
        mustRelease = false
        positions = [:]
        keeper?.release(lost: lost)
    }

    private func receive(_ shards: [Int32], _ newGeneration: Int) {
        generation = newGeneration
        guard let from = keeper?.take(shards.flatMap { broker.inputs($0) }) else { return }
        positions = Dictionary(from.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: max)
    }

    private func next() -> Polled {
        guard !positions.isEmpty else { return .idle }
        if broker.isRough {
            if broker.random.once(in: 12) { return .idle }
            if broker.random.once(in: 400) {
                return .failed(KafkaError(remedy: .retry, code: -195, name: "_TRANSPORT", text: "away"))
            }
        }
        let places = positions.keys.sorted { ($0.partition, $0.topic) < ($1.partition, $1.topic) }
        let start = broker.random.below(places.count)
        for step in 0..<places.count {
            let place = places[(start + step) % places.count]
            let position = positions[place] ?? 0
            guard let record = broker.record(place, from: position) else { continue }
            if broker.isRough, position > 0, broker.random.once(in: 100),
                let old = broker.record(place, from: position - 1), old.offset < position
            {
                return .record(old)
            }
            positions[place] = record.offset + 1
            return .record(record)
        }
        return .idle
    }

    func committed(_ partitions: [TopicPartition]) throws -> [Position] {
        if burn() { throw SimulatedCrash() }
        return partitions.map {
            Position(topic: $0.topic, partition: $0.partition, offset: broker.offsets[$0] ?? -1)
        }
    }

    func beginnings(of partitions: [TopicPartition]) throws -> [TopicPartition: Int64] {
        if burn() { throw SimulatedCrash() }
        return [:]
    }

    func end(of partition: TopicPartition) -> Int64? { broker.end(partition) }

    func restore(_ from: [Position], _ apply: ([Record]) throws -> Bool) throws -> [Position] {
        for position in from where position.offset > broker.end(position.topicPartition) {
            throw StateAhead(
                partition: position.partition, offset: position.offset, end: broker.end(position.topicPartition))
        }
        var goesOn = true
        return try from.map { position in
            let rest = broker.records(position.topicPartition).filter { $0.offset >= position.offset }
            for start in stride(from: 0, to: rest.count, by: 50) {
                if burn() { throw SimulatedCrash() }
                guard goesOn else { break }
                goesOn = try apply(Array(rest[start..<min(rest.count, start + 50)]))
            }
            return Position(
                topic: position.topic, partition: position.partition, offset: broker.end(position.topicPartition))
        }
    }

    func commit(_ transaction: Transaction) throws -> TransactionOutcome {
        if burn() { throw SimulatedCrash() }
        willCommit()
        let outcome = broker.commit(transaction, of: self)
        // The answer of the coordinator is lost: nobody knows, and the process ends.
        if burn() || broker.isRough && broker.random.once(in: 500) {
            isDead = true
            throw FatalError("the outcome of a transaction stayed unknown")
        }
        if case .notOurs = outcome { generation = -1 }
        return outcome
    }

    func reply(_ record: OutgoingRecord) {
        willReply(record)
        if burn() || broker.isRough && broker.random.once(in: 30) { return }
        broker.append(record)
    }

    func serve() { _ = burn() }
}

/// Calls and answers of one requester over the model.
final class ModelTransport: CallTransport {
    private unowned let broker: ModelBroker
    private let partition: TopicPartition
    private var position: Int64
    var isDead: () -> Bool = { false }

    init(_ broker: ModelBroker, replyPartition: Int32) {
        self.broker = broker
        partition = TopicPartition(topic: broker.topics.replies, partition: replyPartition)
        position = broker.end(partition)
    }

    func send(_ record: OutgoingRecord) throws {
        if isDead() || broker.isRough && broker.random.once(in: 40) { return }
        broker.append(record)
        if broker.isRough && broker.random.once(in: 60) { broker.append(record) }
    }

    func nextReply() -> Record? {
        guard let record = broker.record(partition, from: position) else { return nil }
        position = record.offset + 1
        return record
    }
}
