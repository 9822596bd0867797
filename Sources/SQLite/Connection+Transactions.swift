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
        let name = "s\(savepointDepth)"
        try execute("SAVEPOINT \(name)")
        savepointDepth += 1
        defer { savepointDepth -= 1 }
        let mark = capture?.position ?? 0
        do {
            let result = try body()
            try execute("RELEASE \(name)")
            return result
        } catch {
            // After an automatic rollback of the whole transaction there is no savepoint any more.
            if isInTransaction {
                try execute("ROLLBACK TO \(name)")
                try execute("RELEASE \(name)")
            }
            capture?.forget(since: mark)
            throw error
        }
    }
}
