// Rows of the state topic on their way into a shard's file.
import SQLite
import Wire

struct ShardRestore {
    private let shard: Shard
    private let migrations: [String]
    /// The statement that takes a row of a table, and the columns it names: rows of a table all have the same ones.
    private var insertions: [String: (names: [String], sql: String)] = [:]

    init(_ shard: Shard, migrations: [String]) {
        self.shard = shard
        self.migrations = migrations
    }

    /// Rows and the place they were read up to are one transaction, and a migration happens exactly between the older rows
    /// and the newer ones. What no program of ours can have written is passed over; `skip` hears of it.
    mutating func apply(_ rows: [StateRecords.Row], skip: (StateRecords.Row, any Error) -> Void) throws {
        var rest = rows[...]
        while let first = rest.first {
            guard first.schema <= migrations.count else {
                throw FatalError(
                    "the state topic holds rows of schema \(first.schema), this program knows \(migrations.count): "
                        + "a newer version of it has run; start that one")
            }
            try shard.migrate(to: first.schema, migrations)
            let end = rest.firstIndex { $0.schema > shard.schema } ?? rest.endIndex
            try shard.store.transaction {
                for row in rest[..<end] { try take(row, skip) }
                try shard.noteRead(upTo: rest[end - 1].offset + 1)
            }
            rest = rest[end...]
        }
    }

    /// All rows are there: the file comes up to the program's schema, and the shard to work.
    func finish(upTo offset: Int64) throws {
        try shard.migrate(to: migrations.count, migrations)
        try ShardSchema.checkRestorable(shard.store)
        try shard.beginWork(at: offset)
    }

    private mutating func take(_ row: StateRecords.Row, _ skip: (StateRecords.Row, any Error) -> Void) throws {
        guard row.schema == shard.schema || shard.isNew else {
            // This file was brought up to date, then an older program wrote on: only the whole story is right.
            throw StateError("its rows have schema \(shard.schema), the state topic goes on with \(row.schema)")
        }
        do { try apply(row) } catch let error as SQLiteError where error.isEnvironmental {
            throw error
        } catch {
            skip(row, error)
        }
    }

    private mutating func apply(_ row: StateRecords.Row) throws {
        guard row.schema == shard.schema else {
            throw StateError("it has schema \(row.schema), those before it \(shard.schema)")
        }
        let info = try shard.store.tableInfo(row.table)
        guard row.table != ShardSchema.local, row.key.count == info.primaryKey.count else {
            throw StateError("its key is no key of \(row.table)")
        }
        guard let columns = row.columns else { return try delete(row, from: info) }
        try shard.store.execute(
            try insertion(of: columns, into: info), try columns.members.map { try StateRecords.value($0.value) })
    }

    private mutating func insertion(of columns: JSONObject, into table: TableInfo) throws -> String {
        if let known = insertions[table.name], known.names.elementsEqual(columns.members.lazy.map(\.name)) {
            return known.sql
        }
        let sql = try insertion(columns.names, into: table)
        insertions[table.name] = (columns.names, sql)
        return sql
    }

    private func delete(_ row: StateRecords.Row, from table: TableInfo) throws {
        let conditions = table.primaryKey.enumerated().map { "\(quoted(table.columns[$1].name)) = ?\($0 + 1)" }
        let condition = conditions.joined(separator: " AND ")
        try shard.store.execute("DELETE FROM \(quoted(table.name)) WHERE \(condition)", row.key)
    }

    /// Names become a part of the SQL, so that only those the table has are taken.
    private func insertion(_ names: [String], into table: TableInfo) throws -> String {
        let known = Set(table.columns.map(\.name))
        if let stranger = names.first(where: { !known.contains($0) }) {
            throw StateError("\(table.name) has no column \(stranger.prefix(80))")
        }
        let places = (1...max(1, names.count)).map { "?\($0)" }.joined(separator: ", ")
        let columns = names.map(quoted).joined(separator: ", ")
        return "INSERT OR REPLACE INTO \(quoted(table.name)) (\(columns)) VALUES (\(places))"
    }
}
