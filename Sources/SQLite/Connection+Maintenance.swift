// Looking after the file: is it whole?

extension Connection {
    /// What is wrong with the file; empty when all is well. `quick` skips the comparison of tables with their indices.
    public func integrityCheck(quick: Bool = false) throws(SQLiteError) -> [String] {
        var complaints: [String] = []
        if hasForeignLog { complaints.append("the write-ahead log beside the file was not written for it") }
        for row in try query(quick ? "PRAGMA quick_check" : "PRAGMA integrity_check") {
            guard case .text(let complaint)? = row.values.first, complaint != "ok" else { continue }
            complaints.append(complaint)
        }
        for row in try query("PRAGMA foreign_key_check") {
            complaints.append("foreign key violated: \(row.values)")
        }
        return complaints
    }
}
