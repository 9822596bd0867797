// One shard's part of a list: its first rows in the asked order, and how many it has. The edge merges the parts.
import Contract
import SQLite
import Wire

struct Lists {
    let rowsMax: Int64
    let bytesMax: Int

    func answer(_ resource: Resource, table: String, message: RequestMessage, shard: Shard) throws -> Reply {
        let (_, query) = Routes.split(message.path)
        let filters = try filters(resource, query)
        let terms = filters.enumerated().map { "\(quoted($1.name)) = ?\($0 + 1)" }
        let source = quoted(table)
        let condition = filters.isEmpty ? "" : " WHERE " + terms.joined(separator: " AND ")
        let values = filters.map(\.value)
        let total =
            filters.isEmpty
            ? try shard.count(table)
            : try shard.store.first("SELECT COUNT(*) AS n FROM \(source)\(condition)", values)?.integer("n") ?? 0
        var body = Array("{\"total\":\(total),\"items\":[".utf8)
        let first = body.count
        // Row by row: those of a far page are many, and only their text is kept.
        try shard.store.forEach(
            """
            SELECT \(resource.columns) FROM \(source)\(condition)
            ORDER BY \(order(resource, query)) LIMIT \(try limit(query))
            """, values
        ) { row in
            if body.count > first { body.append(UInt8(ascii: ",")) }
            resource.write(row.values(), to: &body)
            if body.count > bytesMax {
                throw Problem.badRequest("the answer would be larger than \(bytesMax) bytes, ask for a smaller page")
            }
        }
        body.append(contentsOf: "]}".utf8)
        return Reply(status: 200, contentType: Reply.jsonType, body: body)
    }

    /// Names come from the contract, never from the client.
    private func filters(_ resource: Resource, _ query: [(name: String, value: String)]) throws
        -> [(name: String, value: Value)]
    {
        var filters: [(name: String, value: Value)] = []
        for (name, value) in query where resource.filters.contains(name) {
            guard let field = resource.field(name) else { continue }
            filters.append((name: name, value: Value(try field.coerce(.string(value)))))
        }
        return filters
    }

    private func order(_ resource: Resource, _ query: [(name: String, value: String)]) -> String {
        var terms: [String] = []
        for (name, value) in query where name == "sort" {
            let parts = value.split(separator: ",")
            guard let field = parts.first.map(String.init), resource.field(field) != nil else { continue }
            let descends = parts.count > 1 && parts[1].lowercased() == "desc"
            terms.append("\(quoted(field)) \(descends ? "DESC" : "ASC")")
        }
        return (terms + ["\(quoted(resource.idField)) ASC"]).joined(separator: ", ")
    }

    private func limit(_ query: [(name: String, value: String)]) throws -> Int64 {
        guard let text = query.first(where: { $0.name == "limit" })?.value else { return 20 }
        guard let limit = Int64(text), (0...rowsMax).contains(limit) else {
            throw Problem.badRequest("limit is '\(text)', expected a whole number from 0 to \(rowsMax)")
        }
        return limit
    }
}
