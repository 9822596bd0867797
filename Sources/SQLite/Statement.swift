// A prepared statement: bind, step, read columns. Internal; callers hand SQL to the connection.

internal import CSQLite

/// Owns the C statement; finalized with it. `@safe`: every use of the pointer is inside this file and RowCursor.
@safe final class Statement {
    let sql: String
    private let database: OpaquePointer
    let pointer: OpaquePointer
    /// True from `bind` to `reset`: a cached statement that is stepping must not be started again from inside.
    private(set) var isRunning = false
    /// When it was last taken from the cache, in uses of the cache.
    var lastUse = 0
    let isReadOnly: Bool
    private(set) lazy var columnNames: [String] = readColumnNames()

    init(_ database: OpaquePointer, _ sql: String) throws(SQLiteError) {
        var prepared: OpaquePointer?
        var text = sql
        var hasRest = false
        let code = text.withUTF8 { utf8 in
            unsafe utf8.withMemoryRebound(to: CChar.self) { bytes in
                var rest: UnsafePointer<CChar>?
                let code = unsafe sqlite3_prepare_v3(
                    database, bytes.baseAddress, Int32(bytes.count), UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, &rest
                )
                if let start = bytes.baseAddress, let end = unsafe rest {
                    hasRest = unsafe bytes[(end - start)...].contains { !Statement.separators.contains($0) }
                }
                return code
            }
        }
        guard code == SQLITE_OK else { throw unsafe SQLiteError(of: database, code: code, sql: sql) }
        guard let prepared = unsafe prepared else { throw .misuse("there is no statement in it", sql: sql) }
        unsafe self.pointer = prepared
        isReadOnly = unsafe sqlite3_stmt_readonly(prepared) != 0
        unsafe self.database = database
        self.sql = sql
        if hasRest { throw .misuse("more than one statement; use script()", sql: sql) }
    }

    deinit { unsafe sqlite3_finalize(pointer) }

    /// White space and semicolons may follow a statement; a second statement may not.
    private static let separators: Set<CChar> = [0x20, 0x0a, 0x0d, 0x09, 0x3b]

    func bind(_ arguments: [Value]) throws(SQLiteError) {
        isRunning = true
        let expected = unsafe Int(sqlite3_bind_parameter_count(pointer))
        guard arguments.count == expected else {
            throw .misuse("\(arguments.count) arguments for \(expected) parameters", sql: sql)
        }
        for (offset, argument) in arguments.enumerated() {
            let code = bind(argument, at: Int32(offset + 1))
            guard code == SQLITE_OK else { throw unsafe SQLiteError(of: database, code: code, sql: sql) }
        }
    }

    private func bind(_ value: Value, at index: Int32) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(pointer, index)
        case .integer(let value): return unsafe sqlite3_bind_int64(pointer, index, value)
        case .real(let value): return unsafe sqlite3_bind_double(pointer, index, value)
        case .text(var text):
            return text.withUTF8 { unsafe cna_bind_text(pointer, index, $0.baseAddress, UInt64($0.count)) }
        case .blob(let bytes):
            return unsafe bytes.withUnsafeBytes {
                unsafe cna_bind_blob(pointer, index, $0.baseAddress, UInt64($0.count))
            }
        }
    }

    /// True when there is a row to read.
    func step() throws(SQLiteError) -> Bool {
        let code = unsafe sqlite3_step(pointer)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw unsafe SQLiteError(of: database, code: code, sql: sql)
        }
    }

    /// Makes it ready for the next use. The code that `sqlite3_reset` returns only repeats what `step` has thrown.
    func reset() {
        _ = unsafe sqlite3_reset(pointer)
        _ = unsafe sqlite3_clear_bindings(pointer)
        isRunning = false
    }

    private func readColumnNames() -> [String] {
        let count = unsafe sqlite3_column_count(pointer)
        return (0..<count).map { index in
            unsafe sqlite3_column_name(pointer, index).map { unsafe String(cString: $0) } ?? ""
        }
    }
}

extension SQLiteError {
    /// What SQLite says of the last call on this database.
    init(of database: OpaquePointer, code: Int32, sql: String? = nil) {
        let extended = unsafe sqlite3_extended_errcode(database)
        // After a misuse the connection's own code is that of an earlier call.
        let matches = extended & 0xff == code & 0xff
        let words = matches ? unsafe sqlite3_errmsg(database) : unsafe sqlite3_errstr(code)
        self.init(
            code: matches ? extended : code, message: unsafe words.map { unsafe String(cString: $0) } ?? "unknown",
            sql: sql, file: unsafe fileName(of: database))
    }
}

/// Empty for a database in memory.
func fileName(of database: OpaquePointer) -> String? {
    unsafe sqlite3_db_filename(database, "main").map { unsafe String(cString: $0) }
}
