// The one error of this module: SQLite's extended code and its own words, with the SQL that met it.

internal import CSQLite

public struct SQLiteError: Error, Sendable, Equatable, CustomStringConvertible {
    /// SQLite's extended result code, for example 2067 (SQLITE_CONSTRAINT_UNIQUE).
    public let code: Int32
    public let message: String
    /// The statement, without its arguments: those may be somebody's data.
    public let sql: String?
    /// The database that was asked, as `Connection.file` names it.
    public let file: String?

    public init(code: Int32, message: String, sql: String? = nil, file: String? = nil) {
        self.code = code
        self.message = message
        self.sql = sql
        self.file = file
    }

    public var description: String {
        let place = sql.map { " in: \($0)" } ?? ""
        return "SQLite error \(code): \(message)\(place)"
    }

    private var primary: Int32 { code & 0xff }

    public var isFull: Bool { primary == SQLITE_FULL }
    /// Damaged, or no database at all.
    public var isCorrupt: Bool { primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB }
    public var isBusy: Bool { primary == SQLITE_BUSY || primary == SQLITE_LOCKED }
    public var isInputOutput: Bool { primary == SQLITE_IOERR }
    /// The file or the machine is in trouble; the statement is not to blame and would fail with any other data, too.
    public var isEnvironmental: Bool { SQLiteError.environmental.contains(primary) }

    private static let environmental: Set<Int32> = [
        SQLITE_PERM, SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM, SQLITE_READONLY, SQLITE_IOERR, SQLITE_CORRUPT,
        SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_PROTOCOL, SQLITE_NOTADB,
    ]

    /// A call this module will not make: there is no code of SQLite for it, so the general one stands in.
    static func misuse(_ message: String, sql: String? = nil) -> SQLiteError {
        SQLiteError(code: SQLITE_MISUSE, message: message, sql: sql)
    }
}
