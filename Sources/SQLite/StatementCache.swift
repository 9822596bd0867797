// Prepared statements by their SQL, so that a statement run for every record is compiled once.

final class StatementCache {
    /// A service has some dozens of statements; beyond this the one unused longest goes.
    static let capacity = 200

    /// A text that is hashed by its ends: SQL is long, there are some dozens of texts, and each is looked up for every record.
    private struct Key: Hashable {
        let sql: String

        func hash(into hasher: inout Hasher) {
            var word = UInt64(truncatingIfNeeded: sql.utf8.count)
            for byte in sql.utf8.suffix(8) { word = word << 7 ^ UInt64(byte) }
            hasher.combine(word)
        }
    }

    private var statements: [Key: Statement] = [:]
    private var uses = 0

    var count: Int { statements.count }

    /// The cached statement, or a new one when it is not there or is stepping right now.
    func take(_ database: OpaquePointer, _ sql: String) throws(SQLiteError) -> Statement {
        uses += 1
        let key = Key(sql: sql)
        if let cached = statements[key] {
            guard cached.isRunning else {
                cached.lastUse = uses
                return cached
            }
            return unsafe try Statement(database, sql)
        }
        let statement = unsafe try Statement(database, sql)
        statement.lastUse = uses
        if statements.count >= StatementCache.capacity { dropOldest() }
        statements[key] = statement
        return statement
    }

    func removeAll() {
        statements.removeAll()
    }

    private func dropOldest() {
        guard let oldest = statements.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
        statements[oldest.key] = nil
    }
}
