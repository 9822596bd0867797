// What the change capture and its readers need to know of a table.

public struct TableInfo: Sendable {
    public let name: String
    public let columns: [(name: String, type: String)]
    /// Indices into `columns`, in the order of the primary key. Empty: the table has none.
    public let primaryKey: [Int]
}

extension Connection {
    /// Cached until the next `script()`, where schemas are changed.
    public func tableInfo(_ table: String) throws(SQLiteError) -> TableInfo {
        if let known = tables[table] { return known }
        var columns: [(name: String, type: String)] = []
        var key: [(order: Int64, column: Int)] = []
        for row in try query("SELECT name, type, pk FROM pragma_table_info(?)", [.text(table)]) {
            let order = try row.integer("pk")
            if order > 0 { key.append((order, columns.count)) }
            columns.append((try row.text("name"), try row.text("type")))
        }
        guard !columns.isEmpty else { throw .misuse("no table '\(table)'") }
        let info = TableInfo(
            name: table, columns: columns, primaryKey: key.sorted { $0.order < $1.order }.map(\.column))
        tables[table] = info
        return info
    }

    /// The ordinary tables, in the order of their names. Those of SQLite itself and virtual ones do not count.
    public func tableNames() throws(SQLiteError) -> [String] {
        let sql = """
            SELECT name FROM pragma_table_list \
            WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name
            """
        var names: [String] = []
        for row in try query(sql) { names.append(try row.text("name")) }
        return names
    }
}

/// An identifier as SQL takes it whatever it holds.
public func quoted(_ identifier: String) -> String {
    // The usual case, and in the path of every list.
    guard identifier.utf8.contains(UInt8(ascii: "\"")) else { return "\"\(identifier)\"" }
    var result = "\""
    for character in identifier {
        if character == "\"" { result.append(character) }
        result.append(character)
    }
    return result + "\""
}
