// The loop of a worker, on one thread: a batch of records, one SQLite transaction a shard, one Kafka transaction, the
// replies. Kafka first, SQLite second: what a file holds is never ahead of the log.
import Contract
import Kafka
import Platform
import SQLite
import Wire

/// The two clocks, replaceable by a simulation's.
struct LoopClock {
    var wall: () -> Int64 = Clock.wallMilliseconds
    var monotonic: () -> Int64 = Clock.monotonicMilliseconds
}

final class WorkerLoop {
    let service: Service
    let shards: Shards
    let topics: Topics
    let limits: WorkerLimits
    let log: any WorkerLog
    let caller: Caller
    let clock: LoopClock
    let routes: Routes
    var effects: EffectRecords
    private let stateTopic: String
    let answers: Answers
    let lists: Lists
    let items = Items()
    let custody: ShardCustody
    let plantedBugs = PlantedBugs.fromEnvironment()

    var counters = Counters()
    var parking = Parking()
    /// What the batch under way will send: records in the transaction, replies after it.
    var outgoing: [OutgoingRecord] = []
    var replies: [ReplyMessage] = []
    private var gathered: [Record] = []
    private var gatheredBytes = 0
    private var lastCommit: Int64 = 0
    private var growth = BatchGrowth()
    /// Messages of the batch under way to this service itself.
    var messagesToItself = 0
    /// Somebody has asked for an item that the batch under way has changed, and was shown it as it was.
    var isBatchWatched = false

    init(
        service: Service, system: SystemContract, identity: ShardIdentity, directory: String, log: any WorkerLog,
        caller: Caller, limits: WorkerLimits, clock: LoopClock = LoopClock()
    ) {
        self.service = service
        self.shards = Shards(count: identity.shardCount)
        self.topics = system.topics
        self.limits = limits
        self.log = log
        self.caller = caller
        self.clock = clock
        routes = Routes(service)
        stateTopic = system.topics.state(service.contract.name)
        effects = EffectRecords(service: service.contract.name, topics: system.topics, shards: shards)
        answers = Answers(
            milliseconds: limits.answerMilliseconds, allowance: limits.clockAllowanceMilliseconds,
            rowsMax: limits.answersMax)
        lists = Lists(rowsMax: limits.listRowsMax, bytesMax: limits.replyBytesMax)
        custody = ShardCustody(
            service: service, topics: system.topics, identity: identity, directory: directory, limits: limits, log: log,
            monotonic: clock.monotonic)
        lastCommit = clock.monotonic()
    }

    var isReady: Bool { custody.failure == nil && custody.hasAssignment }

    /// One turn. `sleep` is called when there is nothing to do, with the milliseconds until there may be.
    func step(sleep: (Int64) -> Void) throws {
        let began = clock.monotonic()
        gather(until: began + limits.batchMillisecondsMax)
        if let failure = custody.failure { throw failure }
        caller.turn(now: began)
        let resumed = parking.takeReady(now: began)
        let isIdle = gathered.isEmpty && resumed.isEmpty
        if !isIdle { try handle(resumed) }
        let patience = patience(now: clock.monotonic())
        if patience == 0 { try commitBatch(includingClean: isIdleCommitDue) }
        if patience ?? 0 == 0 { publishReplies() }
        try storeWhatIsSettled(isIdle: isIdle && patience == nil)
        log.serve()
        if isIdle && patience != 0 { sleep(min(patience ?? .max, millisecondsUntilNextDuty())) }
    }

    /// The last thing before the end: whatever was to wait for more is done now.
    func finish() throws {
        if custody.all.contains(where: \.hasChanges) { try commitBatch(includingClean: true) }
        publishReplies()
    }

    /// Runs what has been gathered into the open batch.
    private func handle(_ resumed: [Parking.Parked]) throws {
        CrashPoint.reach(.batchPolled)
        let now = clock.wall()
        let parkedBefore = parking.count
        // First those that go on: a repeat in the batch then finds the answer, where it would no longer find them parked
        // and not yet answered, and begin the request a second time.
        for parked in resumed { try resume(parked, nowMilliseconds: now) }
        let count = gathered.count
        for record in takeGathered() { try handle(record, nowMilliseconds: now) }
        // Touched by a rule that then parked its request: its savepoint has taken everything back.
        for shard in custody.all where shard.isDirty && !shard.hasChanges { try shard.leaveUnchanged() }
        let answered = count + resumed.count - (parking.count - parkedBefore)
        growth.add(answered, bytes: gatheredBytes, now: clock.monotonic())
        counters.batches += 1
        counters.batchRecords += Int64(count)
        CrashPoint.reach(.rulesRun)
    }

    private func takeGathered() -> [Record] {
        defer { gathered.removeAll(keepingCapacity: true) }
        return gathered
    }

    /// Milliseconds the open batch may still grow; nil when there is none, 0 when it is to be committed now.
    private func patience(now: Int64) -> Int64? {
        if isIdleCommitDue { return 0 }
        guard custody.all.contains(where: \.hasChanges) else { return nil }
        return growth.patience(for: audience, lastCommit: lastCommit, now: now, limits)
    }

    private var audience: BatchGrowth.Audience {
        if !replies.isEmpty { return .callers }
        return outgoing.isEmpty && !isBatchWatched ? .nobody : .others
    }

    /// Lets go of everything; uncommitted work is rolled back.
    func close() {
        forgetBatch()
        custody.closeAll()
    }

    // MARK: - Input

    /// A bite: whatever is there, up to the bounds. A lonely record is taken as it comes.
    private func gather(until deadline: Int64) {
        gatheredBytes = 0
        while gathered.count < limits.batchRecordsMax && gatheredBytes < limits.batchBytesMax {
            let count = gathered.count
            guard take(log.poll(timeoutMilliseconds: 0)) else { return }
            guard gathered.count > count else { continue }
            gatheredBytes += (gathered[count].value?.count ?? 0) + 64
            // Reading a clock costs as much as taking a record.
            if gathered.count % 32 == 0 && clock.monotonic() >= deadline { return }
        }
    }

    /// False when there is nothing more at the moment.
    @discardableResult
    private func take(_ polled: Polled) -> Bool {
        switch polled {
        case .record(let record):
            gathered.append(record)
            return true
        case .end(let place, let offset):
            custody.shard(place.partition)?.reached[place.topic] = offset
            return true
        case .idle: return false
        case .failed(let error):
            if error.remedy == .giveUp || error.remedy == .fixConfiguration {
                custody.fail(FatalError(error, of: caller.instance))
            } else {
                Log.warning("Kafka reports a problem", ["error": LogValue(describing: error)])
            }
            return false
        }
    }

    private func millisecondsUntilNextDuty() -> Int64 {
        let now = clock.monotonic()
        var wait = min(100, caller.patienceLeft(now: now))
        if let due = parking.nextDue() { wait = min(wait, max(0, due - now)) }
        if custody.all.contains(where: \.awaitsStore) { wait = min(wait, Self.calmMilliseconds) }
        return wait
    }

    // MARK: - Output

    private var isIdleCommitDue: Bool {
        clock.monotonic() - lastCommit >= limits.idleCommitMilliseconds
            && custody.all.contains(where: \.hasUncommittedInput)
    }

    /// Everything of the batch at once. Clean shards ride along when it is time: their queries moved only offsets.
    private func commitBatch(includingClean: Bool) throws {
        let involved = custody.all.filter {
            $0.hasChanges || ($0.hasUncommittedInput && (includingClean || $0.isDirty))
        }
        var transaction = try collect(from: involved)
        if !plantedBugs.isEmpty { try makeMistakes(&transaction, involved) }
        let started = Clock.monotonicMicroseconds()
        // What batches wait by is told by the loop's own clock, which a simulation replaces.
        let began = clock.monotonic()
        switch try log.commit(transaction) {
        case .notOurs(let reason): drop(because: reason)
        case .committed(let written):
            try settle(involved, written, since: began)
            count(transaction, since: started)
        }
    }

    /// What the batch sends, what it changed in these shards, and how far they have read.
    private func collect(from involved: [Shard]) throws -> Transaction {
        var transaction = Transaction(positions: [], records: outgoing)
        // One owner, so that what is added does not copy what is there.
        outgoing = []
        for shard in involved {
            try shard.touch()
            if shard.hasChanges { try answers.tidy(shard) }
            try shard.addChanges(
                to: &transaction.records, topic: stateTopic, withOffsets: !plantedBugs.contains(.offsetsOutside))
            for (topic, offset) in shard.next {
                transaction.positions.append(Position(topic: topic, partition: shard.number, offset: offset))
            }
        }
        return transaction
    }

    private func makeMistakes(_ transaction: inout Transaction, _ involved: [Shard]) throws {
        if plantedBugs.contains(.repliesBeforeCommit) { publishReplies() }
        if plantedBugs.contains(.storeBeforeKafka) {
            for shard in involved {
                try shard.store.commit()
                try shard.store.begin()
            }
        }
        if plantedBugs.contains(.offsetsOutside) { transaction.positions = [] }
    }

    private func drop(because reason: String) {
        Log.warning("the batch is dropped, its shards have another owner", ["reason": LogValue(reason)])
        forgetBatch()
        // Records that still come are nobody's until the group has assigned anew.
        custody.closeAll()
    }

    /// Kafka has the batch: it is no longer under way.
    private func settle(_ involved: [Shard], _ written: [TopicPartition: Int64], since began: Int64) throws {
        for shard in involved {
            let place = TopicPartition(topic: stateTopic, partition: shard.number)
            try shard.settle(stateOffset: written[place].map { $0 + 1 })
        }
        lastCommit = clock.monotonic()
        growth.commit(callingForth: replies.count + messagesToItself, milliseconds: lastCommit - began)
        messagesToItself = 0
        isBatchWatched = false
    }

    private func count(_ transaction: Transaction, since started: Int64) {
        counters.transactions += 1
        counters.transactionMicroseconds += Clock.monotonicMicroseconds() - started
        counters.transactionRecords += Int64(transaction.records.count)
    }

    /// The files follow the log a little later, many batches in one SQLite transaction: a page is then written once and
    /// not once a batch. What a crash takes from a file comes back from the state topic, as always.
    private func storeWhatIsSettled(isIdle: Bool) throws {
        let now = clock.monotonic()
        let isCalm = isIdle && now - lastCommit >= Self.calmMilliseconds
        for shard in custody.all {
            // One that the open batch has changed has its turn right after the batch.
            guard !shard.isDirty, let settledAt = shard.settledAt else { continue }
            guard isCalm || now - settledAt >= limits.storeMilliseconds else { continue }
            try shard.storeSettled(nowMilliseconds: clock.wall())
            CrashPoint.reach(.storeCommitted)
        }
    }

    /// So long after the last transaction a worker counts as calm: the moment to write its files.
    private static let calmMilliseconds: Int64 = 5

    private func publishReplies() {
        guard !replies.isEmpty else { return }
        for reply in replies { log.reply(reply.record(topic: topics.replies)) }
        replies.removeAll(keepingCapacity: true)
        CrashPoint.reach(.replied)
    }

    private func forgetBatch() {
        gathered.removeAll()
        outgoing.removeAll()
        replies.removeAll()
        parking.removeAll()
        messagesToItself = 0
        isBatchWatched = false
        growth = BatchGrowth()
    }
}

extension WorkerLoop: ShardKeeper {
    func take(_ partitions: [TopicPartition]) -> [Position]? {
        let positions = custody.take(partitions)
        counters.restores += Int64(custody.lastRestore.shards)
        counters.rowsRestored += Int64(custody.lastRestore.rows)
        counters.stateRecordsSkipped += Int64(custody.lastRestore.skipped)
        return positions
    }

    /// Called between batches or while one is gathered: never with a transaction under way.
    func release(lost: Bool) {
        forgetBatch()
        custody.closeAll()
    }

    func fail(_ error: any Error) { custody.fail(error) }
}

extension WorkerLoop {
    func refreshGauges() {
        counters.parked = Int64(parking.count)
        counters.callsInFlight = Int64(caller.inFlight)
        counters.callsRepeated = caller.repeats
    }

    /// Records that wait in the input topics, by shard.
    func lag() -> [Int32: Int64] {
        var lag: [Int32: Int64] = [:]
        for shard in custody.all {
            lag[shard.number] = shard.next.reduce(0) { sum, place in
                let end = log.end(of: TopicPartition(topic: place.key, partition: shard.number)) ?? place.value
                // Behind the last record there may be markers and aborted records, which nobody waits for.
                return sum + max(0, end - max(place.value, shard.reached[place.key] ?? 0))
            }
        }
        return lag
    }
}
