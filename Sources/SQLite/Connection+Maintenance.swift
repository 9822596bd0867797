// Looking after the file: integrity, checkpoint, copies.

internal import CSQLite

extension Connection {
    /// What is wrong with the file; empty when all is well. `quick` skips the comparison of tables with their indices.
    public func integrityCheck(quick: Bool = false) throws(SQLiteError) -> [String] {
        var complaints: [String] = []
        for row in try query(quick ? "PRAGMA quick_check" : "PRAGMA integrity_check") {
            guard case .text(let complaint)? = row.values.first, complaint != "ok" else { continue }
            complaints.append(complaint)
        }
        for row in try query("PRAGMA foreign_key_check") {
            complaints.append("foreign key violated: \(row.values)")
        }
        return complaints
    }

    /// Brings the WAL into the file and empties it.
    public func checkpoint() throws(SQLiteError) {
        guard let row = try first("PRAGMA wal_checkpoint(TRUNCATE)") else { return }
        if try row.integer("busy") != 0 {
            throw SQLiteError(code: SQLITE_BUSY, message: "somebody reads the file, the WAL stays")
        }
    }

    /// A compact copy of the database in a new file.
    public func copy(to path: String) throws(SQLiteError) {
        try execute("VACUUM INTO ?", [.text(path)])
    }
}
