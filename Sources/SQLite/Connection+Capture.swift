// The net row changes of a batch: what was touched, as it is now.

extension Connection {
    /// Watches all ordinary tables but those named. Call it when the schema is in place; call it again after a change
    /// of the schema. Each watched table needs a primary key, or nobody could say which row a change is about.
    public func startCapture(excluding excluded: Set<String> = []) throws(SQLiteError) {
        stopCapture()
        // Statements compiled before the hook is there may empty a table without telling it.
        statements.removeAll()
        tables.removeAll()
        var watched: [WatchedTable] = []
        for name in try tableNames() where !excluded.contains(name) { watched.append(try watchedTable(name)) }
        let capture = ChangeCapture(watched, ignored: excluded)
        unsafe capture.install(on: handle)
        self.capture = capture
        if isInTransaction { capture.transactionBegan() }
    }

    public func stopCapture() {
        guard capture != nil else { return }
        unsafe ChangeCapture.uninstall(from: handle)
        capture = nil
    }

    /// One entry per touched row with its present image, in the order of the first touches. A row that came and went
    /// since the last call gives nothing; one that ends as it was gives its unchanged image, which does no harm.
    public func takeChanges() throws(SQLiteError) -> [RowChange] {
        guard let capture else { return [] }
        defer { capture.removeAll() }
        if let unknown = capture.unknownTables.sorted().first {
            throw .misuse("table '\(unknown)' was made after startCapture(); call that again after a change of schema")
        }
        var changes: [RowChange] = []
        changes.reserveCapacity(capture.touches.count)
        for touch in capture.touches {
            let mark = touch.mark
            let table = capture.table(mark.table)
            guard !mark.key.contains(.null) else {
                throw .misuse("table '\(table.info.name)' has a row with NULL in its primary key")
            }
            let row = try presentImage(table, mark.key)
            if row == nil && touch.earlier == .wasNotThere { continue }
            changes.append(RowChange(table: table.info.name, key: mark.key, row: row))
        }
        return changes
    }

    /// Rows with much text in them (`ChangeCapture.largeBytes`) that were touched since the last call, as they are now.
    /// Touched in what was rolled back since counts, too.
    public func takeLargeRows() throws(SQLiteError) -> [RowChange] {
        guard let capture else { return [] }
        var rows: [RowChange] = []
        for mark in capture.takeLarge() {
            let table = capture.table(mark.table)
            rows.append(RowChange(table: table.info.name, key: mark.key, row: try presentImage(table, mark.key)))
        }
        return rows
    }

    /// Whether a row was touched since the changes were taken last.
    public var hasChanges: Bool { (capture?.position ?? 0) > 0 }

    /// Whether no row of a table was touched since then.
    public func isUntouched(_ table: String) -> Bool {
        guard let capture, let index = capture.index(of: table) else { return false }
        return capture.isUntouched(index)
    }

    /// The row of a table keyed by its rowid (`INTEGER PRIMARY KEY`) as it was then. Other tables' rows are known as long
    /// as nobody touches any of them.
    public func earlierRow(_ id: Int64, of table: String) -> EarlierRow {
        guard let capture, let index = capture.index(of: table) else { return .unknown }
        if capture.isUntouched(index) { return .asItIs }
        guard capture.table(index).keyIsRowID else { return .unknown }
        return capture.earlierRow(ChangeCapture.Mark(table: index, key: [.integer(id)]))
    }

    public func discardChanges() {
        capture?.removeAll()
    }

    private func presentImage(_ table: WatchedTable, _ key: [Value]) throws(SQLiteError) -> [Value]? {
        guard let row = try first(table.selectByKey, key) else { return nil }
        // A collation may find another spelling of the key: that is another row of the log.
        let found = table.info.primaryKey.map { row.values[$0] }
        return found == key ? row.values : nil
    }

    private func watchedTable(_ name: String) throws(SQLiteError) -> WatchedTable {
        let info = try tableInfo(name)
        guard !info.primaryKey.isEmpty else {
            throw .misuse("table '\(name)' has no primary key, so that its changes cannot be captured")
        }
        let keyColumns = info.primaryKey.map { info.columns[$0] }
        let columns = info.columns.map { quoted($0.name) }.joined(separator: ", ")
        let condition = keyColumns.map { "\(quoted($0.name)) = ?" }.joined(separator: " AND ")
        let keyIsRowID = try isRowIDAlias(name, keyColumns)
        let lateColumns = keyIsRowID ? try lateColumns(name) : nil
        return WatchedTable(
            info: info, keyIsRowID: keyIsRowID,
            realColumns: Set(info.columns.indices.filter { hasRealAffinity(info.columns[$0].type) }),
            lateColumns: lateColumns,
            selectByKey: "SELECT \(columns) FROM \(quoted(name)) WHERE \(condition)")
    }

    /// Those with a default; nil for a table with computed columns, which are not in the record and shift the numbers of
    /// those that are.
    private func lateColumns(_ table: String) throws(SQLiteError) -> Set<Int>? {
        let sql = "SELECT cid, hidden, dflt_value IS NOT NULL AS late FROM pragma_table_xinfo(?)"
        var columns: Set<Int> = []
        for row in try query(sql, [.text(table)]) {
            if try row.integer("hidden") != 0 { return nil }
            if try row.integer("late") != 0 { columns.insert(Int(try row.integer("cid"))) }
        }
        return columns
    }

    /// `INTEGER PRIMARY KEY`, in exactly that type, of a table that has rowids; its index would have a name otherwise.
    private func isRowIDAlias(_ table: String, _ key: [(name: String, type: String)]) throws(SQLiteError) -> Bool {
        guard key.count == 1, key[0].type.uppercased() == "INTEGER" else { return false }
        let index = "SELECT 1 FROM pragma_index_list(?) WHERE origin = 'pk'"
        return try first(index, [.text(table)]) == nil
    }

    /// The manual's rules of column affinity ("Datatypes In SQLite", 3.1), as far as REAL goes.
    private func hasRealAffinity(_ type: String) -> Bool {
        let type = type.uppercased()
        let stronger = ["INT", "CHAR", "CLOB", "TEXT", "BLOB"]
        return !stronger.contains { type.contains($0) } && ["REAL", "FLOA", "DOUB"].contains { type.contains($0) }
    }
}
