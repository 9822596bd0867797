// One list out of the lists of all shards. Every shard sends its rows in order, so taking the least of the heads again
// and again gives all rows in order; only the rows up to the page are looked at.
import Contract
import Wire

struct ListMerge {
    let total: Int
    private var shards: [ShardRows]
    private var heads: [ShardRows.Row?]
    private let order: [SortKey]
    private let idPlace: Int

    /// - Parameter order: every sort field, the id among them.
    init(_ bodies: [[UInt8]], idField: String, order: [SortKey]) throws(Problem) {
        self.order = order
        idPlace = order.firstIndex { $0.field == idField } ?? order.count
        let keyFields = order.prefix(idPlace).map(\.field)
        shards = []
        heads = []
        for body in bodies {
            guard var rows = ShardRows(body, idField: idField, keyFields: keyFields) else {
                throw Problem(500, "the service answered a list that cannot be read")
            }
            heads.append(try rows.next())
            shards.append(rows)
        }
        total = shards.reduce(0) { $0 + $1.total }
    }

    /// The rows after the first `skip` ones, `count` of them at most.
    mutating func rows(after skip: Int, count: Int) throws(Problem) -> [ShardRows.Row] {
        var rows: [ShardRows.Row] = []
        var place = 0
        while place < skip + count, let row = try next() {
            if place >= skip { rows.append(row) }
            place += 1
        }
        return rows
    }

    private mutating func next() throws(Problem) -> ShardRows.Row? {
        var least: (shard: Int, row: ShardRows.Row)?
        for (shard, head) in heads.enumerated() {
            guard let head else { continue }
            if let current = least, !precedes(head, current.row) { continue }
            least = (shard, head)
        }
        guard let least else { return nil }
        heads[least.shard] = try shards[least.shard].next()
        return least.row
    }

    /// Whatever follows the id in the order decides nothing: ids are unique.
    private func precedes(_ one: ShardRows.Row, _ other: ShardRows.Row) -> Bool {
        for place in 0..<idPlace {
            let comparison = SQLOrder.compare(one.keys[place], other.keys[place])
            if comparison != 0 { return (comparison < 0) != order[place].isDescending }
        }
        let isDescending = idPlace < order.count && order[idPlace].isDescending
        return (one.id < other.id) != isDescending
    }
}

/// The order of values as the shards' databases have it: null, then numbers and flags, then texts by their bytes.
enum SQLOrder {
    static func compare(_ one: JSON, _ other: JSON) -> Int {
        switch (one, other) {
        case (.integer(let left), .integer(let right)): return sign(left, right)
        case (.string(let left), .string(let right)): return compareBytes(left, right)
        default: break
        }
        let (left, right) = (rank(one), rank(other))
        if left != right { return sign(left, right) }
        return sign(number(one), number(other))
    }

    private static func sign<Value: Comparable>(_ one: Value, _ other: Value) -> Int {
        one == other ? 0 : (one < other ? -1 : 1)
    }

    private static func compareBytes(_ one: String, _ other: String) -> Int {
        if one.utf8.elementsEqual(other.utf8) { return 0 }
        return one.utf8.lexicographicallyPrecedes(other.utf8) ? -1 : 1
    }

    private static func rank(_ value: JSON) -> Int {
        switch value {
        case .null: 0
        case .bool, .integer, .number: 1
        case .string: 2
        case .array, .object: 3
        }
    }

    private static func number(_ value: JSON) -> Double {
        switch value {
        case .bool(let flag): flag ? 1 : 0
        case .integer(let number): Double(number)
        case .number(let number): number
        default: 0
        }
    }
}
