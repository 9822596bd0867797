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
    let custody: ShardCustody
    let plantedBugs = PlantedBugs.fromEnvironment()

    var counters = Counters()
    var parking = Parking()
    /// What the batch under way will send: records in the transaction, replies after it.
    var outgoing: [OutgoingRecord] = []
    var replies: [ReplyMessage] = []
    private var gathered: [Record] = []
    private var lastCommit: Int64 = 0
    private var lastStore: Int64 = 0
    /// Records that the last batch will have called forth: a reply is mostly followed by the next request, and a message to
    /// this service comes back to it.
    private var expected = 0
    /// How an item of each resource is read.
    var selections: [String: String] = [:]
    /// Messages of the batch under way to this service itself.
    var messagesToItself = 0

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
        lastStore = lastCommit
    }

    var isReady: Bool { custody.failure == nil && custody.hasAssignment }

    /// One turn. `sleep` is called when there is nothing to do, with the milliseconds until there may be.
    func step(sleep: (Int64) -> Void) throws {
        let began = clock.monotonic()
        gather(until: began + limits.batchMillisecondsMax)
        if let failure = custody.failure { throw failure }
        caller.turn(now: began)
        let resumed = parking.takeReady(now: began)
        if gathered.isEmpty && resumed.isEmpty {
            if isIdleCommitDue { try commitBatch(includingClean: true) }
            try storeWhatIsSettled(isIdle: true)
            log.serve()
            return sleep(millisecondsUntilNextDuty())
        }
        CrashPoint.reach(.batchPolled)
        let now = clock.wall()
        // First those that go on: a repeat in the batch then finds the answer, where it would no longer find them parked
        // and not yet answered, and begin the request a second time.
        for parked in resumed { try resume(parked, nowMilliseconds: now) }
        let count = try handleAndLinger(nowMilliseconds: now, began: began)
        counters.batches += 1
        counters.batchRecords += Int64(count)
        CrashPoint.reach(.rulesRun)
        let isDue = isIdleCommitDue
        if isDue || custody.all.contains(where: \.hasChanges) {
            expected = min(replies.count + messagesToItself, limits.batchRecordsMax)
            messagesToItself = 0
            try commitBatch(includingClean: isDue)
        }
        try sendReplies()
        try storeWhatIsSettled(isIdle: false)
    }

    private func handleGathered(nowMilliseconds now: Int64) throws -> Int {
        let batch = gathered
        gathered.removeAll(keepingCapacity: true)
        for record in batch { try handle(record, nowMilliseconds: now) }
        return batch.count
    }

    /// A transaction costs much the same for one record and for hundreds, so a moment's patience can make one of two or
    /// three. It is due where the last one called forth many records, and where a batch holds nothing that somebody waits
    /// for while the answers just given are mostly followed by the next requests. A lonely request never waits.
    private func handleAndLinger(nowMilliseconds now: Int64, began: Int64) throws -> Int {
        // Not while requests are parked: the answers they wait for come by another way.
        let isNews = began - lastCommit <= limits.lingerMilliseconds && parking.count == 0
        let isCrowd = isNews && expected >= Self.fewRecords
        var count = try handleGathered(nowMilliseconds: now)
        while isNews, count < expected, isCrowd || replies.isEmpty, parking.count == 0,
            try awaitMore(
                until: began + limits.lingerMilliseconds,
                pollMilliseconds: isCrowd ? Self.crowdPollMilliseconds : limits.lingerMilliseconds)
        {
            count += try handleGathered(nowMilliseconds: now)
        }
        return count
    }

    /// False when nothing more has come, or when what was polled was a rebalance.
    private func awaitMore(until deadline: Int64, pollMilliseconds: Int64) throws -> Bool {
        guard custody.all.contains(where: \.hasChanges) else { return false }
        while gathered.isEmpty {
            let left = min(pollMilliseconds, deadline - clock.monotonic())
            guard left > 0, take(log.poll(timeoutMilliseconds: Int32(clamping: left))) else { break }
        }
        gather(until: clock.monotonic() + limits.batchMillisecondsMax)
        if let failure = custody.failure { throw failure }
        return !gathered.isEmpty
    }

    /// A crowd comes in a rush: so long a gap is its end.
    private static let crowdPollMilliseconds: Int64 = 2
    /// Fewer are no crowd.
    private static let fewRecords = 16

    /// Lets go of everything; uncommitted work is rolled back.
    func close() {
        forgetBatch()
        custody.closeAll()
    }

    // MARK: - Input

    /// A bite: whatever is there, up to the bounds. A lonely record is taken as it comes.
    private func gather(until deadline: Int64) {
        var bytes = 0
        while gathered.count < limits.batchRecordsMax && bytes < limits.batchBytesMax {
            let count = gathered.count
            guard take(log.poll(timeoutMilliseconds: 0)) else { return }
            guard gathered.count > count else { continue }
            bytes += (gathered[count].value?.count ?? 0) + 64
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
                custody.fail(FatalError(error.description))
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
        if plantedBugs.contains(.repliesBeforeCommit) { publishReplies() }
        if plantedBugs.contains(.storeBeforeKafka) {
            for shard in involved {
                try shard.store.commit()
                try shard.store.begin()
            }
        }
        if plantedBugs.contains(.offsetsOutside) { transaction.positions = [] }
        let started = Clock.monotonicMicroseconds()
        switch try log.commit(transaction) {
        case .notOurs(let reason):
            Log.warning("the batch is dropped, its shards have another owner", ["reason": LogValue(reason)])
            forgetBatch()
            // Records that still come are nobody's until the group has assigned anew.
            custody.closeAll()
            return
        case .committed(let written):
            for shard in involved {
                let place = TopicPartition(topic: stateTopic, partition: shard.number)
                try shard.settle(stateOffset: written[place].map { $0 + 1 })
            }
        }
        counters.transactions += 1
        counters.transactionMicroseconds += Clock.monotonicMicroseconds() - started
        counters.transactionRecords += Int64(transaction.records.count)
        lastCommit = clock.monotonic()
    }

    private func sendReplies() throws {
        // Touched by a rule that then parked its request: its savepoint has taken everything back.
        for shard in custody.all where shard.isDirty { try shard.leaveUnchanged() }
        publishReplies()
        CrashPoint.reach(.replied)
    }

    /// The files follow the log a little later, many batches in one SQLite transaction: a page is then written once and
    /// not once a batch. What a crash takes from a file comes back from the state topic, as always.
    private func storeWhatIsSettled(isIdle: Bool) throws {
        let now = clock.monotonic()
        let isDue = now - lastStore >= limits.storeMilliseconds
        guard isDue || (isIdle && now - lastCommit >= Self.calmMilliseconds) else { return }
        lastStore = now
        for shard in custody.all where shard.awaitsStore {
            try shard.storeSettled(nowMilliseconds: clock.wall())
            CrashPoint.reach(.storeCommitted)
        }
    }

    /// So long after the last transaction a worker counts as calm: the moment to write its files.
    private static let calmMilliseconds: Int64 = 5

    private func publishReplies() {
        for reply in replies { log.reply(reply.record(topic: topics.replies)) }
        replies.removeAll(keepingCapacity: true)
        log.serve()
    }

    private func forgetBatch() {
        gathered.removeAll()
        outgoing.removeAll()
        replies.removeAll()
        parking.removeAll()
        messagesToItself = 0
        expected = 0
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
