// Prepared statements by their SQL, so that a statement run for every record is compiled once.

final class StatementCache {
    /// A service has some dozens of statements; beyond this the one unused longest goes.
    static let capacity = 200

    private var statements: [String: Statement] = [:]
    private var uses = 0

    var count: Int { statements.count }

    /// The cached statement, or a new one when it is not there or is stepping right now.
    func take(_ database: OpaquePointer, _ sql: String) throws(SQLiteError) -> Statement {
        uses += 1
        if let cached = statements[sql] {
            guard cached.isRunning else {
                cached.lastUse = uses
                return cached
            }
            return unsafe try Statement(database, sql)
        }
        let statement = unsafe try Statement(database, sql)
        statement.lastUse = uses
        if statements.count >= StatementCache.capacity { dropOldest() }
        statements[sql] = statement
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
