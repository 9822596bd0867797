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
    let effects: EffectRecords
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
        gather()
        if let failure = custody.failure { throw failure }
        caller.turn(now: clock.monotonic())
        let resumed = parking.takeReady(now: clock.monotonic())
        if gathered.isEmpty && resumed.isEmpty {
            if isIdleCommitDue { try commitBatch(includingClean: true) }
            log.serve()
            return sleep(millisecondsUntilNextDuty())
        }
        CrashPoint.reach(.batchPolled)
        let now = clock.wall()
        let batch = gathered
        gathered.removeAll(keepingCapacity: true)
        // First those that go on: a repeat in the batch then finds the answer, where it would no longer find them parked
        // and not yet answered, and begin the request a second time.
        for parked in resumed { try resume(parked, nowMilliseconds: now) }
        for record in batch { try handle(record, nowMilliseconds: now) }
        counters.batches += 1
        counters.batchRecords += Int64(batch.count)
        CrashPoint.reach(.rulesRun)
        let isDue = isIdleCommitDue
        if isDue || custody.all.contains(where: \.hasChanges) { try commitBatch(includingClean: isDue) }
        sendReplies()
    }

    /// Lets go of everything; uncommitted work is rolled back.
    func close() {
        forgetBatch()
        custody.closeAll()
    }

    // MARK: - Input

    /// A bite: whatever is there, up to the bounds. A lonely record is taken as it comes.
    private func gather() {
        let deadline = clock.monotonic() + limits.batchMillisecondsMax
        var bytes = 0
        while gathered.count < limits.batchRecordsMax && bytes < limits.batchBytesMax {
            switch log.poll(timeoutMilliseconds: 0) {
            case .record(let record):
                bytes += (record.value?.count ?? 0) + 64
                gathered.append(record)
            case .end(let place, let offset): custody.shard(place.partition)?.reached[place.topic] = offset
            case .idle: return
            case .failed(let error):
                if error.remedy == .giveUp || error.remedy == .fixConfiguration {
                    custody.fail(FatalError(error.description))
                } else {
                    Log.warning("Kafka reports a problem", ["error": LogValue(describing: error)])
                }
                return
            }
            // Reading a clock costs as much as taking a record.
            if gathered.count % 32 == 0 && clock.monotonic() >= deadline { return }
        }
    }

    private func millisecondsUntilNextDuty() -> Int64 {
        let now = clock.monotonic()
        var wait = min(100, caller.patienceLeft(now: now))
        if let due = parking.nextDue() { wait = min(wait, max(0, due - now)) }
        return wait
    }

    // MARK: - Output

    private var isIdleCommitDue: Bool {
        clock.monotonic() - lastCommit >= limits.idleCommitMilliseconds
            && custody.all.contains(where: \.hasUncommittedInput)
    }

    /// Everything of the batch at once. Clean shards ride along when it is time: their queries moved only offsets.
    private func commitBatch(includingClean: Bool) throws {
        let now = clock.wall()
        let involved = custody.all.filter {
            $0.hasChanges || ($0.hasUncommittedInput && (includingClean || $0.isDirty))
        }
        var transaction = Transaction(positions: [], records: outgoing)
        for shard in involved {
            try shard.touch()
            if shard.hasChanges { try answers.tidy(shard) }
            transaction.records += try shard.changesOfBatch(
                topic: topics.state(service.contract.name), withOffsets: !plantedBugs.contains(.offsetsOutside))
            for (topic, offset) in shard.next {
                transaction.positions.append(Position(topic: topic, partition: shard.number, offset: offset))
            }
        }
        if plantedBugs.contains(.repliesBeforeCommit) { publishReplies() }
        if plantedBugs.contains(.storeBeforeKafka) { for shard in involved { try shard.store.commit() } }
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
                let place = TopicPartition(topic: topics.state(service.contract.name), partition: shard.number)
                try shard.commit(stateOffset: written[place].map { $0 + 1 }, nowMilliseconds: now)
            }
        }
        // Touched by a rule that then parked its request: nothing of it is kept.
        for shard in custody.all where shard.isDirty { shard.rollback() }
        CrashPoint.reach(.storeCommitted)
        counters.transactions += 1
        counters.transactionMicroseconds += Clock.monotonicMicroseconds() - started
        counters.transactionRecords += Int64(transaction.records.count)
        lastCommit = clock.monotonic()
        outgoing.removeAll(keepingCapacity: true)
    }

    private func sendReplies() {
        for shard in custody.all where shard.isDirty { shard.rollback() }
        publishReplies()
        CrashPoint.reach(.replied)
    }

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
