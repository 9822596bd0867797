// A connection to one database file: our pragmas, statements by their SQL, rows.

internal import CSQLite

/// Belongs to one thread at a time and is not Sendable: SQLite is opened without its own mutexes (SQLITE_OPEN_NOMUTEX),
/// as its owner is single-threaded by design.
@safe public final class Connection {
    /// How long a statement waits for another process's lock. There is one owner, so only tools ever meet it.
    public static let busyTimeoutMilliseconds: Int32 = 5_000
    /// Page cache per connection: a worker owns a dozen files and stays small.
    public static let cacheKilobytes = 1_024
    /// A longer log is brought into the file after a commit.
    public static let logBytesMax = 4 << 20

    let path: String
    let handle: OpaquePointer
    let statements = StatementCache()
    var capture: ChangeCapture?
    var tables: [String: TableInfo] = [:]
    var savepointDepth = 0
    private(set) var isOpen = true
    /// The log beside the file was written for another state of it: what this connection shows is a mixture.
    public private(set) var hasForeignLog = false
    private let isReadOnly: Bool
    /// While false, a statement that would write is refused.
    public var mayWrite = true

    public init(path: String, readOnly: Bool = false) throws(SQLiteError) {
        self.path = path
        isReadOnly = readOnly
        _ = forgoesMemoryStatistics
        var opened: OpaquePointer?
        let access = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        let flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
        guard let opened = unsafe opened else {
            throw SQLiteError(code: code, message: "no memory to open \(path)")
        }
        guard code == SQLITE_OK else {
            let error = unsafe SQLiteError(of: opened, code: code)
            _ = unsafe sqlite3_close_v2(opened)
            throw SQLiteError(code: error.code, message: "\(error.message): \(path)")
        }
        unsafe handle = opened
        do throws(SQLiteError) {
            try configure()
            hasForeignLog = try findForeignLog()
            if !readOnly && !hasForeignLog { try beginLog() }
        } catch {
            close()
            throw SQLiteError(code: error.code, message: "\(error.message): \(path)", sql: error.sql)
        }
    }

    deinit { close() }

    private func configure() throws(SQLiteError) {
        _ = unsafe sqlite3_busy_timeout(handle, Connection.busyTimeoutMilliseconds)
        _ = unsafe cna_quotes_are_for_names(handle)
        // Kafka first, SQLite second: what a power cut takes from the file comes back from the log, so NORMAL is enough.
        let writable = """
            PRAGMA journal_mode=WAL;
            PRAGMA synchronous=NORMAL;
            PRAGMA wal_autocheckpoint=0;
            """
        if !isReadOnly { try sealIfEmpty() }
        try script(
            """
            \(isReadOnly ? "" : writable)
            PRAGMA foreign_keys=ON;
            PRAGMA cache_size=-\(Connection.cacheKilobytes);
            PRAGMA temp_store=MEMORY;
            """)
    }

    /// Finalizes the statements and closes the file. A closed connection answers every call with an error.
    public func close() {
        guard isOpen else { return }
        if !isReadOnly && !hasForeignLog { endLog() }
        isOpen = false
        stopCapture()
        statements.removeAll()
        // The _v2 form waits for statements that are still stepping, should a `forEach` body call this.
        _ = unsafe sqlite3_close_v2(handle)
    }

    /// Runs one statement and ignores its rows.
    public func execute(_ sql: String, _ arguments: [Value] = []) throws(SQLiteError) {
        let statement = try start(sql, arguments)
        defer { statement.reset() }
        while try statement.step() {}
    }

    /// Runs several statements, without arguments: a schema, a migration.
    public func script(_ sql: String) throws(SQLiteError) {
        try checkOpen()
        tables.removeAll()
        let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw unsafe SQLiteError(of: handle, code: code, sql: sql) }
    }

    public func query(_ sql: String, _ arguments: [Value] = []) throws(SQLiteError) -> [Row] {
        let statement = try start(sql, arguments)
        defer { statement.reset() }
        var rows: [Row] = []
        while try statement.step() {
            rows.append(Row(columns: statement.columnNames, values: RowCursor(statement).values()))
        }
        return rows
    }

    /// The first row, if there is one; the rest is not stepped over.
    public func first(_ sql: String, _ arguments: [Value] = []) throws(SQLiteError) -> Row? {
        let statement = try start(sql, arguments)
        defer { statement.reset() }
        guard try statement.step() else { return nil }
        return Row(columns: statement.columnNames, values: RowCursor(statement).values())
    }

    /// Lends each row to `body` without materialising it.
    public func forEach(
        _ sql: String, _ arguments: [Value] = [], _ body: (borrowing RowCursor) throws -> Void
    ) throws {
        let statement = try start(sql, arguments)
        defer { statement.reset() }
        while try statement.step() { try body(RowCursor(statement)) }
    }

    /// The whole path of the file, as errors name it.
    public var file: String? { isOpen ? unsafe fileName(of: handle) : nil }
    /// Rows changed by the last INSERT, UPDATE or DELETE, without those of its triggers and cascades.
    public var changes: Int { isOpen ? unsafe Int(sqlite3_changes(handle)) : 0 }

    func checkOpen() throws(SQLiteError) {
        guard isOpen else { throw .misuse("the connection is closed") }
    }

    private func start(_ sql: String, _ arguments: [Value]) throws(SQLiteError) -> Statement {
        try checkOpen()
        let statement = unsafe try statements.take(handle, sql)
        guard mayWrite || statement.isReadOnly else {
            statement.reset()
            throw .misuse("nothing may be written here", sql: sql)
        }
        do throws(SQLiteError) {
            try statement.bind(arguments)
        } catch {
            statement.reset()
            throw error
        }
        return statement
    }
}

/// Once in a process, before its first connection.
private let forgoesMemoryStatistics = cna_forgo_memory_statistics() == SQLITE_OK
