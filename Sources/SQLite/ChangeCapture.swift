// Remembers which rows a batch has touched, through SQLite's preupdate hook (docs/decisions/0001-row-capture.md).
// The hook notes keys, and what a row was before; the images are read once, at the end, so that a row changed ten times
// costs one SELECT.

internal import CSQLite
internal import Glibc

/// One row of an ordinary table as it is now, after a batch changed it.
public struct RowChange: Sendable, Equatable {
    public let table: String
    /// The primary key, in its own order.
    public let key: [Value]
    /// All columns in the order of `tableInfo(table)`; nil when the row is gone.
    public let row: [Value]?

    public init(table: String, key: [Value], row: [Value]?) {
        self.table = table
        self.key = key
        self.row = row
    }
}

/// What is known of a row as it was when the changes were taken last, whatever has been done to it since.
public enum EarlierRow: Sendable, Equatable {
    /// Nobody has touched it since.
    case asItIs
    /// All columns in the order of `tableInfo(table)`.
    case was([Value])
    case wasNotThere
    case unknown
}

/// A table whose rows are watched; handed about for every touched row, so it is one object.
final class WatchedTable {
    let info: TableInfo
    let name: [CChar]
    /// The key is the rowid, which the hook hands over without a look at the row.
    let keyIsRowID: Bool
    /// Columns that make a real of an integer: the hook sees the integer.
    let realColumns: Set<Int>
    /// Columns that older rows may lack: the hook reads NULL there, where a query reads the column's default. Nil where the
    /// hook cannot tell what a row was.
    let lateColumns: Set<Int>?
    /// Columns, then key, of the one row; prepared once by the cache.
    let selectByKey: String

    init(info: TableInfo, keyIsRowID: Bool, realColumns: Set<Int>, lateColumns: Set<Int>?, selectByKey: String) {
        self.info = info
        name = Array(info.name.utf8CString)
        self.keyIsRowID = keyIsRowID
        self.realColumns = realColumns
        self.lateColumns = lateColumns
        self.selectByKey = selectByKey
    }
}

final class ChangeCapture {
    struct Mark: Hashable {
        let table: Int
        let key: [Value]
    }

    struct Touch {
        let mark: Mark
        let earlier: EarlierRow
    }

    private let tables: [WatchedTable]
    private let ignored: Set<String>
    /// Most rows touched in a row are of one table.
    private var lastTable = 0
    /// In the order of the first touches.
    private(set) var touches: [Touch] = []
    /// Their places among the touches.
    private var known: [Mark: Int] = [:]
    private var touchesOf: [Int]
    private var positionAtBegin = 0
    /// Text and blobs of the rows that are remembered as they were.
    private var earlierBytes = 0
    /// Beyond this, rows are not remembered as they were.
    static let earlierBytesMax = 256 << 10
    /// Touched rows that are worth a look: as they are now they may be too large for somebody.
    private(set) var large: Set<Mark> = []
    /// Bytes of text from which on a row is large.
    static let largeBytes = 64 << 10
    /// Touched tables that were made after the capture began.
    private(set) var unknownTables: Set<String> = []

    init(_ tables: [WatchedTable], ignored: Set<String>) {
        self.tables = tables
        self.ignored = ignored
        touchesOf = Array(repeating: 0, count: tables.count)
    }

    func table(_ index: Int) -> WatchedTable { tables[index] }

    func index(of table: String) -> Int? { tables.firstIndex { $0.info.name == table } }

    func isUntouched(_ table: Int) -> Bool { touchesOf[table] == 0 }

    func earlierRow(_ mark: Mark) -> EarlierRow { known[mark].map { touches[$0].earlier } ?? .asItIs }

    /// How much was marked so far, to be handed to `forget(since:)`.
    var position: Int { touches.count }

    func forget(since position: Int) {
        guard position < touches.count else { return }
        for touch in touches[position...] {
            known[touch.mark] = nil
            touchesOf[touch.mark.table] -= 1
        }
        touches.removeSubrange(position...)
    }

    func transactionBegan() { positionAtBegin = touches.count }

    func transactionRolledBack() { forget(since: positionAtBegin) }

    func removeAll() {
        for index in touchesOf.indices { touchesOf[index] = 0 }
        touches.removeAll(keepingCapacity: true)
        known.removeAll(keepingCapacity: true)
        positionAtBegin = 0
        earlierBytes = 0
        large.removeAll()
        unknownTables.removeAll()
    }

    /// Called by the hook, in the middle of a statement: it must not run SQL.
    fileprivate func touched(_ change: borrowing Preupdate) {
        guard let index = tableIndex(change) else { return }
        let table = tables[index]
        // A row's first touch tells whether it was there: an INSERT means that it was not.
        if change.operation != SQLITE_INSERT {
            note(Mark(table: index, key: change.oldKey(of: table))) { earlierRow(change, table) }
        }
        guard change.operation != SQLITE_DELETE else { return }
        let key = change.newKey(of: table)
        note(Mark(table: index, key: key)) { .wasNotThere }
        if change.newBytes(of: table) >= Self.largeBytes { large.insert(Mark(table: index, key: key)) }
    }

    func takeLarge() -> Set<Mark> {
        guard !large.isEmpty else { return [] }
        defer { large.removeAll() }
        return large
    }

    private func note(_ mark: Mark, earlier: () -> EarlierRow) {
        guard known[mark] == nil else { return }
        known[mark] = touches.count
        touches.append(Touch(mark: mark, earlier: earlier()))
        touchesOf[mark.table] += 1
    }

    private func earlierRow(_ change: borrowing Preupdate, _ table: WatchedTable) -> EarlierRow {
        guard let lateColumns = table.lateColumns, earlierBytes < Self.earlierBytesMax else { return .unknown }
        let row = change.oldRow(of: table)
        guard !lateColumns.contains(where: { row[$0] == .null }) else { return .unknown }
        earlierBytes += row.reduce(0) { $0 + $1.textBytes }
        return .was(row)
    }

    private func tableIndex(_ change: borrowing Preupdate) -> Int? {
        if lastTable < tables.count, change.isOn(tables[lastTable]) { return lastTable }
        for index in tables.indices where change.isOn(tables[index]) {
            lastTable = index
            return index
        }
        let name = change.tableName
        if !ignored.contains(name), !name.hasPrefix("sqlite_") { unknownTables.insert(name) }
        return nil
    }
}

/// What the hook is told about one row, for the length of the callback.
@safe private struct Preupdate: ~Copyable {
    let database: OpaquePointer
    let operation: Int32
    let table: UnsafePointer<CChar>
    let oldRowID: Int64
    let newRowID: Int64

    func isOn(_ watched: WatchedTable) -> Bool {
        unsafe strcmp(watched.name, table) == 0
    }

    var tableName: String { unsafe String(cString: table) }

    func oldKey(of table: WatchedTable) -> [Value] {
        if table.keyIsRowID { return [.integer(oldRowID)] }
        return table.info.primaryKey.map { old($0, of: table) }
    }

    func oldRow(of table: WatchedTable) -> [Value] { table.info.columns.indices.map { old($0, of: table) } }

    private func old(_ column: Int, of table: WatchedTable) -> Value {
        var value: OpaquePointer?
        let code = unsafe sqlite3_preupdate_old(database, Int32(column), &value)
        return unsafe Preupdate.read(code, value, asReal: table.realColumns.contains(column))
    }

    func newKey(of table: WatchedTable) -> [Value] {
        if table.keyIsRowID { return [.integer(newRowID)] }
        return table.info.primaryKey.map { column in
            var value: OpaquePointer?
            let code = unsafe sqlite3_preupdate_new(database, Int32(column), &value)
            return unsafe Preupdate.read(code, value, asReal: table.realColumns.contains(column))
        }
    }

    /// Bytes of the texts and blobs of the row; numbers do not count.
    func newBytes(of table: WatchedTable) -> Int {
        var bytes = 0
        for column in table.info.columns.indices {
            var value: OpaquePointer?
            guard unsafe sqlite3_preupdate_new(database, Int32(column), &value) == SQLITE_OK, let value = unsafe value
            else { continue }
            let type = unsafe sqlite3_value_type(value)
            if type == SQLITE_TEXT || type == SQLITE_BLOB { bytes += unsafe Int(sqlite3_value_bytes(value)) }
        }
        return bytes
    }

    /// A value that cannot be had reads as NULL, and NULL in a key is refused when the changes are taken.
    private static func read(_ code: Int32, _ value: OpaquePointer?, asReal: Bool) -> Value {
        guard code == SQLITE_OK, let value = unsafe value else { return .null }
        switch unsafe sqlite3_value_type(value) {
        case SQLITE_INTEGER where asReal: return .real(unsafe sqlite3_value_double(value))
        case SQLITE_INTEGER: return .integer(unsafe sqlite3_value_int64(value))
        case SQLITE_FLOAT: return .real(unsafe sqlite3_value_double(value))
        case SQLITE_TEXT:
            guard let start = unsafe sqlite3_value_text(value) else { return .null }
            let count = unsafe Int(sqlite3_value_bytes(value))
            return .text(unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self))
        case SQLITE_BLOB:
            let start = unsafe sqlite3_value_blob(value)
            let count = unsafe Int(sqlite3_value_bytes(value))
            return .blob(unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count)))
        default: return .null
        }
    }
}

/// The callback itself. The context is a ChangeCapture that its connection keeps until the hook is taken away.
private func rowWillChange(
    _ context: UnsafeMutableRawPointer?, _ database: OpaquePointer?, _ operation: Int32,
    _ schema: UnsafePointer<CChar>?, _ table: UnsafePointer<CChar>?, _ oldRowID: Int64, _ newRowID: Int64
) {
    guard let context = unsafe context, let database = unsafe database, let table = unsafe table,
        let schema = unsafe schema, unsafe strcmp(schema, "main") == 0
    else { return }
    let capture = unsafe Unmanaged<ChangeCapture>.fromOpaque(context).takeUnretainedValue()
    capture.touched(
        unsafe Preupdate(
            database: database, operation: operation, table: table, oldRowID: oldRowID, newRowID: newRowID))
}

extension ChangeCapture {
    func install(on database: OpaquePointer) {
        _ = unsafe sqlite3_preupdate_hook(database, rowWillChange, Unmanaged.passUnretained(self).toOpaque())
    }

    static func uninstall(from database: OpaquePointer) {
        _ = unsafe sqlite3_preupdate_hook(database, nil, nil)
    }
}
