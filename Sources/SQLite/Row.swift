// What a query gives: a materialised row, or a cursor that lends the columns of the row being stepped over.

internal import CSQLite

/// One row, copied out of SQLite.
public struct Row: Sendable {
    /// Column names in the order of the statement.
    public let columns: [String]
    public let values: [Value]

    public subscript(name: String) -> Value? {
        columns.firstIndex(of: name).map { values[$0] }
    }

    public func integer(_ name: String) throws(SQLiteError) -> Int64 {
        guard let value = try integerOrNull(name) else { throw unexpected(name, "an integer") }
        return value
    }

    public func integerOrNull(_ name: String) throws(SQLiteError) -> Int64? {
        switch try value(name) {
        case .integer(let value): return value
        case .null: return nil
        default: throw unexpected(name, "an integer")
        }
    }

    public func text(_ name: String) throws(SQLiteError) -> String {
        guard let value = try textOrNull(name) else { throw unexpected(name, "text") }
        return value
    }

    public func textOrNull(_ name: String) throws(SQLiteError) -> String? {
        switch try value(name) {
        case .text(let value): return value
        case .null: return nil
        default: throw unexpected(name, "text")
        }
    }

    private func value(_ name: String) throws(SQLiteError) -> Value {
        guard let value = self[name] else {
            throw .misuse("no column '\(name)'; there are \(columns.joined(separator: ", "))")
        }
        return value
    }

    private func unexpected(_ name: String, _ wanted: String) -> SQLiteError {
        .misuse("column '\(name)' holds \(self[name] ?? .null), not \(wanted)")
    }
}

/// The row a statement stands on, for the length of one `forEach` body: nothing is copied that is not asked for.
/// Columns are counted from 0. The conversions are SQLite's: an integer column read as text gives its digits.
@safe public struct RowCursor: ~Copyable {
    private let pointer: OpaquePointer

    init(_ statement: Statement) {
        unsafe pointer = statement.pointer
    }

    public var columnCount: Int { unsafe Int(sqlite3_data_count(pointer)) }

    public func isNull(_ column: Int) -> Bool {
        unsafe sqlite3_column_type(pointer, Int32(column)) == SQLITE_NULL
    }

    public func integer(_ column: Int) -> Int64 { unsafe sqlite3_column_int64(pointer, Int32(column)) }

    public func integerOrNull(_ column: Int) -> Int64? { isNull(column) ? nil : integer(column) }

    public func real(_ column: Int) -> Double { unsafe sqlite3_column_double(pointer, Int32(column)) }

    public func text(_ column: Int) -> String {
        // sqlite3_column_bytes after sqlite3_column_text, in this order: the manual asks for it.
        guard let start = unsafe sqlite3_column_text(pointer, Int32(column)) else { return "" }
        let count = unsafe Int(sqlite3_column_bytes(pointer, Int32(column)))
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    public func textOrNull(_ column: Int) -> String? { isNull(column) ? nil : text(column) }

    public func blob(_ column: Int) -> [UInt8] {
        guard let start = unsafe sqlite3_column_blob(pointer, Int32(column)) else { return [] }
        let count = unsafe Int(sqlite3_column_bytes(pointer, Int32(column)))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Lends the bytes of a blob or text column without a copy.
    public func withBytes<R>(_ column: Int, _ body: (RawSpan) throws -> R) rethrows -> R {
        let start = unsafe sqlite3_column_blob(pointer, Int32(column))
        let count = unsafe Int(sqlite3_column_bytes(pointer, Int32(column)))
        return try body(unsafe UnsafeRawBufferPointer(start: start, count: count).bytes)
    }

    public func value(_ column: Int) -> Value {
        switch unsafe sqlite3_column_type(pointer, Int32(column)) {
        case SQLITE_INTEGER: .integer(integer(column))
        case SQLITE_FLOAT: .real(real(column))
        case SQLITE_TEXT: .text(text(column))
        case SQLITE_BLOB: .blob(blob(column))
        default: .null
        }
    }

    /// The whole row, in the order of the statement.
    public func values() -> [Value] { (0..<columnCount).map { value($0) } }
}
