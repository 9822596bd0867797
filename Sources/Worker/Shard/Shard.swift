// One shard: a SQLite file with one owner, and the places in the topics up to which it has read.
import Kafka
import Platform
import SQLite
import Wire

final class Shard {
    let number: Int32
    private let shardCount: Int32
    let store: Connection
    let path: String
    /// The schema of the rows in the file: 0 before the first migration.
    private(set) var schema: Int
    /// Next record to handle, by input topic.
    var next: [String: Int64] = [:]
    /// Where an input topic was last seen to end, by topic.
    var reached: [String: Int64] = [:]
    /// Next record of the state partition that the file does not hold.
    private(set) var stateOffset: Int64
    /// Has rows of the batch under way, which the log does not have yet.
    private(set) var isDirty = false
    /// Since when it has rows that the log has and the file has not: they wait in the open SQLite transaction.
    private(set) var settledAt: Int64?
    var awaitsStore: Bool { settledAt != nil }
    /// Queries have a view of the file open.
    private var isReading = false
    /// A rule of the batch has written: there is something to commit.
    var hasChanges = false
    /// Input that changed nothing and is committed with the next transaction, or when idle.
    var hasUncommittedInput = false
    /// What the committed rows say of `next`.
    private var committedNext: [String: Int64] = [:]
    /// Whether they say how many shards there are.
    private(set) var saysShardCount = false
    /// Milliseconds this shard has been owned in all, by monotonic clocks: what answers are kept by, since wall clocks jump.
    private(set) var age: Int64 = 0
    /// When answers that are too old were removed last.
    var tidiedAtAge: Int64 = 0
    private var storedAge: Int64 = 0
    private var agedAt: Int64
    private let monotonic: () -> Int64
    /// Made in this life of the process: what it holds was read from the first record on.
    let isNew: Bool
    /// Age is worth a state record only now and then.
    private static let ageStoredEvery: Int64 = 5_000
    private var columnsOf: [String: [String]] = [:]
    private var counts: [String: Int64] = [:]

    private init(
        identity: ShardIdentity, store: Connection, path: String, schema: Int, stateOffset: Int64, isNew: Bool,
        monotonic: @escaping () -> Int64
    ) {
        self.number = identity.shard
        self.shardCount = identity.shardCount
        self.store = store
        self.path = path
        self.schema = schema
        self.stateOffset = stateOffset
        self.isNew = isNew
        self.monotonic = monotonic
        agedAt = monotonic()
    }

    // MARK: - Opening

    /// A new, empty file.
    static func create(
        path: String, identity: ShardIdentity, monotonic: @escaping () -> Int64 = Clock.monotonicMilliseconds
    ) throws -> Shard {
        let store = try Connection(path: path)
        try store.script(ShardSchema.sql)
        try store.transaction {
            for (name, value) in identity.rows { try setLocal(store, name, value) }
            try setLocal(store, "schema", "0")
            try setLocal(store, "state_offset", "0")
            try setLocal(store, "committed", String(Clock.wallMilliseconds()))
        }
        return Shard(
            identity: identity, store: store, path: path, schema: 0, stateOffset: 0, isNew: true,
            monotonic: monotonic)
    }

    /// An existing file. Throws a `StateError` that says why it cannot be used; the caller starts from nothing then.
    static func open(
        path: String, identity: ShardIdentity, limits: WorkerLimits,
        monotonic: @escaping () -> Int64 = Clock.monotonicMilliseconds
    ) throws -> Shard {
        let store = try Connection(path: path)
        do {
            try check(store, path: path, identity: identity, limits: limits)
            let schema = try number(store, "schema")
            return Shard(
                identity: identity, store: store, path: path, schema: Int(schema),
                stateOffset: try number(store, "state_offset"), isNew: false, monotonic: monotonic)
        } catch {
            store.close()
            throw error
        }
    }

    private static func check(_ store: Connection, path: String, identity: ShardIdentity, limits: WorkerLimits) throws {
        guard !store.hasForeignLog else { throw StateError("the write-ahead log beside it was not written for it") }
        for (name, expected) in identity.rows {
            let found = try local(store, name) ?? "nothing"
            guard found == expected else { throw StateError("its \(name) is \(found), not \(expected)") }
        }
        let committed = try number(store, "committed")
        let age = Clock.wallMilliseconds() - committed
        guard age < limits.shardAgeMillisecondsMax else {
            throw StateError(
                "it was last written \(age / 3_600_000) hours ago, and deletions may have left the state topic since")
        }
        // The check reads the whole file; a big one is trusted until SQLite itself finds damage in it.
        guard FileSystem.size(path) <= limits.shardCheckBytesMax else { return }
        let damage = try store.integrityCheck(quick: true)
        guard damage.isEmpty else { throw StateError("it is damaged: \(damage.prefix(3).joined(separator: "; "))") }
    }

    // MARK: - Schema

    /// Brings the rows up to a schema, one migration at a time; the changes are not written to the state topic, since
    /// a restore that meets the older rows goes through the same migrations.
    func migrate(to target: Int, _ migrations: [String]) throws {
        guard target > schema else { return }
        try store.transaction {
            for version in schema..<target { try store.script(migrations[version]) }
            try Shard.setLocal(store, "schema", String(target))
        }
        columnsOf = [:]
        schema = target
    }

    func columns(of table: String) throws -> [String] {
        if let known = columnsOf[table] { return known }
        let columns = try store.tableInfo(table).columns.map(\.name)
        columnsOf[table] = columns
        return columns
    }

    /// Where the table's columns have these; empty for a view, for names spelt another way, for another key.
    func places(of names: [String], in table: String, keyedBy key: String) throws -> [Int] {
        let info = try store.tableInfo(table)
        let places = names.compactMap { name in info.columns.firstIndex { $0.name == name } }
        let isKey = info.primaryKey.map { info.columns[$0].name } == [key]
        return isKey && places.count == names.count ? places : []
    }

    // MARK: - Batches

    /// The file does not change between two batches, so that one view of it serves all queries until then.
    func beginReading() throws {
        guard !store.isInTransaction else { return }
        try store.beginReading()
        isReading = true
    }

    private func endReading() throws {
        guard isReading else { return }
        isReading = false
        try store.commit()
    }

    /// Opens the batch's transaction at the first record that may change something.
    func touch() throws {
        guard !isDirty else { return }
        try endReading()
        let now = monotonic()
        age += max(0, now - agedAt)
        agedAt = now
        if !store.isInTransaction {
            guard !awaitsStore else { throw FatalError("shard \(number): the file has rolled back by itself") }
            try store.begin()
        }
        isDirty = true
    }

    /// The input read so far, as rows; then everything that changed, as state records.
    func addChanges(to records: inout [OutgoingRecord], topic: String, withOffsets: Bool = true) throws {
        for (input, offset) in next where withOffsets && committedNext[input] != offset {
            try store.execute(
                """
                INSERT INTO runtime_offsets (topic, next) VALUES (?1, ?2)
                ON CONFLICT (topic) DO UPDATE SET next = ?2
                """, [.text(input), .integer(offset)])
        }
        if !saysShardCount {
            try store.execute(
                "INSERT INTO runtime_sequences (name, last) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
                [.text(ShardSchema.shardCountRow), .integer(Int64(shardCount))])
        }
        if age - storedAge >= Self.ageStoredEvery || storedAge == 0 {
            storedAge = age
            try store.execute(
                """
                INSERT INTO runtime_sequences (name, last) VALUES (?1, ?2)
                ON CONFLICT (name) DO UPDATE SET last = ?2
                """, [.text(ShardSchema.ageRow), .integer(age)])
        }
        for change in try store.takeChanges() {
            counts[change.table] = nil
            records.append(
                StateRecords.record(
                    change, columns: try columns(of: change.table), topic: topic, partition: number, schema: schema))
        }
    }

    /// Kafka has the batch: the file may have it too, now or a few batches later.
    func settle(stateOffset: Int64?) throws {
        if let stateOffset { self.stateOffset = stateOffset }
        committedNext = next
        saysShardCount = true
        isDirty = false
        hasChanges = false
        hasUncommittedInput = false
        settledAt = settledAt ?? monotonic()
    }

    /// Commits the file up to what the log has. Never with a batch under way: a file is never ahead of the log.
    func storeSettled(nowMilliseconds: Int64) throws {
        guard awaitsStore, !isDirty else { return }
        settledAt = nil
        // SQLite may have rolled back by itself (disk full): then the place must not be written either.
        guard store.isInTransaction else { throw FatalError("shard \(number): the file has rolled back by itself") }
        try setPlace(nowMilliseconds: nowMilliseconds)
        try store.commit()
    }

    /// The batch came to nothing here: every savepoint was rolled back.
    func leaveUnchanged() throws {
        guard !store.hasChanges else { throw FatalError("shard \(number) has rows that belong to no batch") }
        isDirty = false
    }

    /// Gives up the batch under way, and what the file does not hold yet with it: only for a shard that is let go.
    private func rollback() {
        store.rollback()
        store.discardChanges()
        isDirty = false
        hasChanges = false
        settledAt = nil
    }

    /// What the log has is stored, what it has not is rolled back.
    func close() {
        if isDirty { rollback() }
        // A view is let go of in any case: nothing was written in it.
        do { try endReading() } catch { store.rollback() }
        // A file that cannot take it stays behind the log, as after a crash.
        do { try storeSettled(nowMilliseconds: Clock.wallMilliseconds()) } catch { rollback() }
        store.close()
    }

    /// Nothing in this table is of the batch under way.
    func isCommitted(_ table: String) -> Bool { !isDirty || store.isUntouched(table) }

    /// How many rows a table has; counted once and remembered until the table changes.
    func count(_ table: String) throws -> Int64 {
        let isCommitted = isCommitted(table)
        if isCommitted, let known = counts[table] { return known }
        let count = try store.first("SELECT COUNT(*) AS n FROM \(quoted(table))")?.integer("n") ?? 0
        if isCommitted { counts[table] = count }
        return count
    }

    // MARK: - After a restore

    /// The file holds everything the state topic had, in the program's schema: it is as good as new, and knows its places.
    func beginWork(at offset: Int64) throws {
        stateOffset = offset
        try setPlace(nowMilliseconds: Clock.wallMilliseconds())
        // The pages of a restore are not those that requests will want.
        try store.execute("PRAGMA shrink_memory")
        let built = try store.first(
            "SELECT last FROM runtime_sequences WHERE name = ?1", [.text(ShardSchema.shardCountRow)])
        saysShardCount = built != nil
        try ShardSchema.check(shardCount: try built?.integer("last"), partitions: shardCount)
        let aged = try store.first("SELECT last FROM runtime_sequences WHERE name = ?1", [.text(ShardSchema.ageRow)])
        age = try aged?.integer("last") ?? 0
        storedAge = age
        agedAt = monotonic()
        next = [:]
        for row in try store.query("SELECT topic, next FROM runtime_offsets") {
            next[try row.text("topic")] = try row.integer("next")
        }
        committedNext = next
        // From here on every changed row belongs into the state topic.
        try store.startCapture(excluding: [ShardSchema.local])
    }

    // MARK: - Rows about this file

    private func setPlace(nowMilliseconds: Int64) throws {
        try store.execute(
            """
            INSERT INTO runtime_local (name, value) VALUES ('state_offset', ?1), ('committed', ?2)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value
            """, [.text(String(stateOffset)), .text(String(nowMilliseconds))])
    }

    /// Up to where the state topic has been read, as a part of the transaction that takes its rows.
    func noteRead(upTo offset: Int64) throws { try Shard.setLocal(store, "state_offset", String(offset)) }

    private static func setLocal(_ store: Connection, _ name: String, _ value: String) throws {
        try store.execute(
            "INSERT INTO runtime_local (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
            [.text(name), .text(value)])
    }

    private static func local(_ store: Connection, _ name: String) throws -> String? {
        try store.first("SELECT value FROM runtime_local WHERE name = ?1", [.text(name)])?.text("value")
    }

    private static func number(_ store: Connection, _ name: String) throws -> Int64 {
        guard let number = try local(store, name).flatMap({ Int64($0) }) else {
            throw StateError("it does not say its \(name)")
        }
        return number
    }
}
