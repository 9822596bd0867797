// One item of a resource: as a rule finds it, in the middle of a batch, and as callers may see it, which is as the log has
// it (docs/decisions/0003-queries-do-not-wait-for-the-batch.md).
import Contract
import SQLite
import Wire

final class Items {
    /// What a caller is to see. Where it is not committed, it is to be seen after the batch.
    struct View {
        let item: [UInt8]?
        let isCommitted: Bool
        /// The batch under way has touched it: who looks now will soon look again.
        var isChanging = false
    }

    /// How an item of each resource is read.
    private var selections: [String: String] = [:]
    /// Where a table's columns have the fields of each resource; empty where they are not the ones of a row with its id.
    private var places: [String: [Int]] = [:]

    /// As it is at this moment, with what the batch under way has done.
    func now(_ resource: Resource, _ table: String, _ id: Int64, _ shard: Shard) throws -> [UInt8]? {
        try shard.store.first(selection(resource, table), [.integer(id)]).map { written(resource, $0.values) }
    }

    /// As it was before the batch under way, where that is known.
    func view(_ resource: Resource, _ table: String, _ id: Int64, _ shard: Shard) throws -> View {
        guard shard.isDirty else { return View(item: try now(resource, table, id, shard), isCommitted: true) }
        let places = try places(resource, table, shard)
        switch places.isEmpty ? .unknown : shard.store.earlierRow(id, of: table) {
        case .asItIs: return View(item: try now(resource, table, id, shard), isCommitted: true)
        case .was(let row):
            return View(item: written(resource, places.map { row[$0] }), isCommitted: true, isChanging: true)
        case .wasNotThere: return View(item: nil, isCommitted: true, isChanging: true)
        case .unknown: return View(item: try now(resource, table, id, shard), isCommitted: false)
        }
    }

    private func written(_ resource: Resource, _ values: [Value]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(192)
        resource.write(values, to: &bytes)
        return bytes
    }

    private func selection(_ resource: Resource, _ table: String) -> String {
        if let known = selections[resource.name] { return known }
        let sql = "SELECT \(resource.columns) FROM \(quoted(table)) WHERE \(quoted(resource.idField)) = ?1"
        selections[resource.name] = sql
        return sql
    }

    private func places(_ resource: Resource, _ table: String, _ shard: Shard) throws -> [Int] {
        if let known = places[resource.name] { return known }
        let found = try shard.places(of: resource.fields.map(\.name), in: table, keyedBy: resource.idField)
        places[resource.name] = found
        return found
    }
}
