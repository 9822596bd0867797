// Transactions and savepoints. What is rolled back is forgotten by the change capture, too.

internal import CSQLite

extension Connection {
    public var isInTransaction: Bool { unsafe isOpen && sqlite3_get_autocommit(handle) == 0 }

    /// Commits what `body` did, or rolls it back when it throws.
    public func transaction<R>(_ body: () throws -> R) throws -> R {
        try begin()
        do {
            let result = try body()
            try commit()
            return result
        } catch {
            rollback()
            throw error
        }
    }

    /// Takes the write lock at once: a transaction that first reads and then fails to write would be of no use here.
    public func begin() throws(SQLiteError) {
        try execute("BEGIN IMMEDIATE")
        capture?.transactionBegan()
    }

    /// A transaction that only reads: SQLite takes its locks for all of the queries in it, and not anew for each.
    public func beginReading() throws(SQLiteError) { try execute("BEGIN") }

    public func commit() throws(SQLiteError) {
        try execute("COMMIT")
        checkpointIfLong()
    }

    /// Never throws: SQLite may have rolled back by itself (disk full), and then nothing is left to do.
    public func rollback() {
        if isInTransaction { try? execute("ROLLBACK") }
        capture?.transactionRolledBack()
    }

    /// Keeps what `body` did within the transaction around it, or takes it back when it throws.
    public func savepoint<R>(_ body: () throws -> R) throws -> R {
        let (begin, release, rollback) = Self.savepointSQL(savepointDepth)
        try execute(begin)
        savepointDepth += 1
        defer { savepointDepth -= 1 }
        let mark = capture?.position ?? 0
        do {
            let result = try body()
            try execute(release)
            return result
        } catch {
            // After an automatic rollback of the whole transaction there is no savepoint any more.
            if isInTransaction {
                try execute(rollback)
                try execute(release)
            }
            capture?.forget(since: mark)
            throw error
        }
    }

    private static let outermost = (begin: "SAVEPOINT s0", release: "RELEASE s0", rollback: "ROLLBACK TO s0")

    /// Every record has one, so the usual texts are not put together each time.
    private static func savepointSQL(_ depth: Int) -> (begin: String, release: String, rollback: String) {
        depth == 0 ? outermost : ("SAVEPOINT s\(depth)", "RELEASE s\(depth)", "ROLLBACK TO s\(depth)")
    }
}
