// The shards this worker owns at the moment: opened, restored and checked when they come, closed when they go.
import Kafka
import Platform
import SQLite
import Wire

final class ShardCustody {
    private let service: Service
    private let topics: Topics
    private let identity: ShardIdentity
    private let directory: String
    private let limits: WorkerLimits
    private let log: any WorkerLog
    private let monotonic: () -> Int64
    private var owned: [Int32: Shard] = [:]
    private(set) var all: [Shard] = []
    private(set) var hasAssignment = false
    /// Why this process cannot go on. Kept here, since an assignment happens inside a callback of librdkafka.
    private(set) var failure: (any Error)?
    private(set) var lastRestore = (shards: 0, rows: 0, skipped: 0)
    /// Called again and again while an assignment goes on, which may take long; false ends it.
    var goesOn: () -> Bool = { true }
    /// Shards whose files were thrown away during this assignment: that helps once.
    private var rebuilt: Set<Int32> = []
    /// Skipped records that are named one by one.
    private static let skippedNamedMax = 20

    init(
        service: Service, topics: Topics, identity: ShardIdentity, directory: String, limits: WorkerLimits,
        log: any WorkerLog, monotonic: @escaping () -> Int64
    ) {
        self.service = service
        self.topics = topics
        self.identity = identity
        self.directory = directory
        self.limits = limits
        self.log = log
        self.monotonic = monotonic
    }

    func shard(_ number: Int32) -> Shard? { owned[number] }

    func fail(_ error: any Error) { if failure == nil { failure = error } }

    func closeAll() {
        for shard in all { shard.close() }
        owned = [:]
        all = []
        hasAssignment = false
    }

    /// Makes the shards of these partitions ours. Nil when the process cannot go on; `failure` says why.
    func take(_ partitions: [TopicPartition]) -> [Position]? {
        do {
            let positions = try takeAll(partitions)
            hasAssignment = true
            return positions
        } catch {
            fail(error)
            closeAll()
            return nil
        }
    }

    private func takeAll(_ partitions: [TopicPartition]) throws -> [Position] {
        closeAll()
        let started = Clock.monotonicMilliseconds()
        let numbers = try coPartitioned(partitions)
        // First the group's offsets, which waits for a predecessor's open transaction; only then is the end of the
        // state topic an upper bound of everything committed.
        let committed = try retrying { try log.committed(partitions) }
        lastRestore = (shards: numbers.count, rows: 0, skipped: 0)
        rebuilt = []
        for number in numbers { owned[number] = try openOrCreate(number) }
        try restore(numbers)
        for number in numbers { try makeAgree(number, committed) }
        if numbers.contains(where: { owned[$0]?.saysShardCount == false }) { try askOtherShards(numbers) }
        // The truth is in Kafka, as has just been seen: what was put aside is of no more use.
        for number in rebuilt { FileSystem.removeDatabase(asidePath(number)) }
        all = numbers.compactMap { owned[$0] }
        let positions = try startingPoints(committed)
        Memory.giveBack()
        Log.info(
            "shards assigned",
            [
                "shards": LogValue(numbers.map(String.init).joined(separator: ",")),
                "rowsRestored": LogValue(lastRestore.rows), "recordsSkipped": LogValue(lastRestore.skipped),
                "milliseconds": LogValue(Clock.monotonicMilliseconds() - started),
            ])
        return positions
    }

    /// Where the group has read up to, or the first record there is.
    private func startingPoints(_ committed: [Position]) throws -> [Position] {
        let beginnings = try retrying { try log.beginnings(of: committed.map(\.topicPartition)) }
        return committed.map { position in
            let first = beginnings[position.topicPartition] ?? 0
            if position.offset >= 0 && position.offset < first && position.topic == topics.events {
                Log.error(
                    "events were deleted by retention before this service read them",
                    ["shard": LogValue(position.partition), "from": LogValue(position.offset), "to": LogValue(first)])
            }
            let start = judgement(position.partition, committed).start(in: position, first: first)
            return Position(topic: position.topic, partition: position.partition, offset: start)
        }
    }

    /// Events and requests must come with the same partition numbers: a shard is both.
    private func coPartitioned(_ partitions: [TopicPartition]) throws -> [Int32] {
        let requests = topics.requests(service.contract.name)
        let ofEvents = Set(partitions.filter { $0.topic == topics.events }.map(\.partition))
        let ofRequests = Set(partitions.filter { $0.topic == requests }.map(\.partition))
        guard ofEvents == ofRequests else {
            throw FatalError(
                "\(topics.events) and \(requests) were assigned different partitions; both topics must have the same "
                    + "number of partitions, and every member of group '\(service.contract.name)' must be this service")
        }
        return ofEvents.sorted()
    }

    /// What to say about a file that failed under the loop; a damaged one is removed, so that the next start rebuilds it
    /// (all of them, should the error not say which it is about).
    func discardIfDamaged(_ failure: StoreFailure) -> String {
        guard failure.error.isCorrupt else {
            return
                "a shard file in \(directory) cannot be used: \(failure). Nothing is lost; make room or repair the volume"
        }
        // The others are as good as after any other crash.
        let damaged = all.filter { $0.store.file == failure.error.file }
        for shard in damaged.isEmpty ? all : damaged {
            shard.close()
            FileSystem.removeDatabase(shard.path)
        }
        let name = damaged.first?.path ?? "a shard file in \(directory)"
        return "\(name) is damaged: \(failure). It is removed; the next start rebuilds it"
    }

    // MARK: - Files

    private func path(_ number: Int32) -> String {
        "\(directory)/shard-\(number < 10 ? "0" : "")\(number).sqlite"
    }

    private func identity(_ number: Int32) -> ShardIdentity {
        ShardIdentity(
            cluster: identity.cluster, system: identity.system, service: identity.service, shard: number,
            shardCount: identity.shardCount)
    }

    private func openOrCreate(_ number: Int32) throws -> Shard {
        let path = path(number)
        guard FileSystem.exists(path) else { return try create(number) }
        do {
            let shard = try Shard.open(path: path, identity: identity(number), limits: limits, monotonic: monotonic)
            if shard.schema > service.migrations.count {
                shard.close()
                throw FatalError(
                    "\(path) has schema \(shard.schema), this program knows \(service.migrations.count): "
                        + "a newer version of it has run; start that one")
            }
            return shard
        } catch let error as FatalError {
            throw error
        } catch let error as SQLiteError where error.isFull || error.isInputOutput {
            throw FatalError("\(path): \(error)")
        } catch {
            Log.warning(
                "shard file is thrown away, the state topic has the truth",
                ["shard": LogValue(number), "file": LogValue(path), "reason": LogValue(describing: error)])
            return try create(number)
        }
    }

    private func create(_ number: Int32) throws -> Shard {
        FileSystem.removeDatabase(path(number))
        return try Shard.create(path: path(number), identity: identity(number), monotonic: monotonic)
    }

    /// Starts a shard's file from nothing. The old one is put aside until the new one is known to be right: should the
    /// state topic have been lost, it is the last copy.
    private func rebuild(_ number: Int32, because reason: String) throws {
        guard rebuilt.insert(number).inserted else {
            throw FatalError("shard \(number) cannot be rebuilt from the state topic: \(reason)")
        }
        Log.warning("shard file is rebuilt", ["shard": LogValue(number), "reason": LogValue(reason)])
        owned[number]?.close()
        owned[number] = nil
        FileSystem.moveDatabase(path(number), to: asidePath(number))
        owned[number] = try create(number)
    }

    private func asidePath(_ number: Int32) -> String { path(number) + ".aside" }

    // MARK: - Restoring

    private func restore(_ numbers: [Int32]) throws {
        let topic = topics.state(service.contract.name)
        do {
            let from = numbers.compactMap { number in
                owned[number].map { Position(topic: topic, partition: number, offset: $0.stateOffset) }
            }
            let ends = try retrying {
                try log.restore(from) { records in
                    try self.apply(records)
                    return true
                }
            }
            for end in ends {
                try using(end.partition) {
                    try ShardRestore($0, migrations: service.migrations).finish(upTo: end.offset)
                }
            }
        } catch let error as StateAhead {
            try rebuild(error.partition, because: error.description)
            try restore(numbers)
        } catch let error as Unusable {
            try rebuild(error.shard, because: error.reason)
            try restore(numbers)
        }
    }

    /// A shard without state cannot say for how many shards the ids were given out; those with state can. Theirs is one of
    /// the first rows that a shard writes, so that it is found at the beginning of each partition. They all say the same,
    /// as none was begun without being asked for here: the first one heard is enough, and some may have no state to tell.
    private func askOtherShards(_ own: [Int32]) throws {
        let topic = topics.state(service.contract.name)
        let others = Set(0..<identity.shardCount).subtracting(own)
        let from = others.sorted().map { Position(topic: topic, partition: $0, offset: 0) }
        _ = try retrying {
            try log.restore(from) { records in
                guard goesOn() else { throw FatalError("stopped before a shard without state was taken") }
                guard let count = records.lazy.compactMap(ShardSchema.shardCount).first else { return true }
                try ShardSchema.check(shardCount: count, partitions: identity.shardCount)
                return false
            }
        }
    }

    private func apply(_ records: [Record]) throws {
        guard goesOn() else { throw FatalError("stopped in the middle of a restore") }
        lastRestore.rows += records.count
        var byShard: [Int32: [StateRecords.Row]] = [:]
        for record in records {
            do { byShard[record.partition, default: []].append(try StateRecords.read(record)) } catch {
                skipped(record.partition, record.offset, error)
            }
        }
        for (number, rows) in byShard {
            try using(number) { shard in
                var restore = ShardRestore(shard, migrations: service.migrations)
                try restore.apply(rows) { skipped(number, $0.offset, $1) }
            }
        }
    }

    /// A record that no program of ours wrote must not keep a shard from its work.
    private func skipped(_ number: Int32, _ offset: Int64, _ reason: any Error) {
        lastRestore.rows -= 1
        lastRestore.skipped += 1
        // Somebody may have poured in thousands; the count is in the line that ends the assignment.
        guard lastRestore.skipped <= Self.skippedNamedMax else { return }
        Log.warning(
            "a state record is no row and is skipped",
            [
                "topic": LogValue(topics.state(service.contract.name)), "shard": LogValue(number),
                "offset": LogValue(offset), "reason": LogValue(describing: reason),
            ])
    }

    /// A file that shows its damage only now, or that only the whole story can mend.
    private struct Unusable: Error {
        let shard: Int32
        let reason: String
    }

    private func using(_ number: Int32, _ body: (Shard) throws -> Void) throws {
        guard let shard = owned[number] else { return }
        do { try body(shard) } catch let error as SQLiteError where error.isCorrupt {
            throw Unusable(shard: number, reason: error.description)
        } catch let error as StateError {
            throw Unusable(shard: number, reason: error.description)
        }
    }

    // MARK: - Judging offsets

    /// A file whose places in the input are not the group's is rebuilt, once. What the state topic then says stands, unless
    /// the group has read further: something is lost that nobody can bring back.
    private func makeAgree(_ number: Int32, _ committed: [Position]) throws {
        if agrees(judgement(number, committed)) { return }
        if !rebuilt.contains(number) {
            try rebuild(number, because: "it disagrees with the group's offsets")
            try restore([number])
        }
        let judgement = judgement(number, committed)
        if agrees(judgement) { return }
        let disagreement = judgement.disagreement(topics, service: service.contract.name)
        guard judgement.stateIsAhead else { throw FatalError(disagreement) }
        Log.warning(
            "the group has forgotten offsets, the state's are taken",
            ["shard": LogValue(number), "why": LogValue(disagreement)])
    }

    private func judgement(_ number: Int32, _ committed: [Position]) -> OffsetJudgement {
        OffsetJudgement(
            shard: number, state: owned[number]?.next ?? [:], committed: committed, isRebuilt: rebuilt.contains(number))
    }

    private func agrees(_ judgement: OffsetJudgement) -> Bool {
        // A file that is ahead of the log would be noticed here, and rebuilt: the mistake needs its twin to do harm.
        if PlantedBugs.fromEnvironment().contains(.storeBeforeKafka) { return true }
        if judgement.groupKnowsNothing && !judgement.state.isEmpty {
            Log.warning(
                "the group has no offsets any more, the state's are taken", ["shard": LogValue(judgement.shard)])
        }
        return judgement.agrees
    }

    private func retrying<R>(_ body: () throws -> R) throws -> R {
        var told = ""
        while true {
            do { return try body() } catch let error as KafkaError where error.remedy == .retry {
                // Once is enough: health says all the while that the shards are waited for.
                if told != error.name {
                    told = error.name
                    Log.warning("assignment waits for Kafka", ["error": LogValue(describing: error)])
                }
                guard goesOn() else { throw FatalError("stopped while waiting for Kafka") }
                Pause.milliseconds(200)
            }
        }
    }
}
