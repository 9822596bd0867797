// What part of a list a client wants: page, size, order, filters. Forgiving as Spring Data is.
import Contract
import Ingress
import Wire

struct SortKey: Sendable, Equatable {
    let field: String
    let isDescending: Bool
}

struct ListQuery: Sendable {
    let page: Int
    let size: Int
    let sort: [SortKey]
    let filters: [(name: String, value: String)]
    /// A client that says nothing about paging.
    let isPlain: Bool
    /// The page a client gets that says nothing.
    let isDefaultPage: Bool
    private let resource: Resource

    init(_ request: HTTPRequest, _ resource: Resource, _ options: EdgeOptions) throws(Problem) {
        self.resource = resource
        var page: Int?
        var size: Int?
        var sort: [SortKey] = []
        var filters: [(name: String, value: String)] = []
        for (name, value) in request.query {
            switch name {
            case "page": page = page ?? Self.number(value)
            case "size": size = size ?? Self.number(value)
            case "sort":
                // A field that comes again decides nothing, and would make links longer than any server takes.
                for key in Self.sortKeys(value, resource) where !sort.contains(where: { $0.field == key.field }) {
                    sort.append(key)
                }
            default:
                guard resource.filters.contains(name), let field = resource.field(name) else { continue }
                filters.append((name: name, value: try Self.filter(value, field)))
            }
        }
        self.sort = sort
        self.filters = filters
        isPlain = page == nil && size == nil
        let asked = size ?? 0
        self.size = min(options.pageSizeMax, options.listRowsMax, asked < 1 ? options.pageSizeDefault : asked)
        // Bounded so that no arithmetic with it overflows; no list is that long.
        self.page = min(page ?? 0, Int(Int32.max))
        isDefaultPage = self.page == 0 && self.size == options.pageSizeDefault
    }

    /// Negative numbers and what is no number count as 0.
    private static func number(_ text: String) -> Int {
        guard let number = Int64(text.filter { !$0.isWhitespace }) else { return 0 }
        return Int(max(0, min(number, Int64(Int32.max))))
    }

    /// `field`, `field,desc` or `one,other,desc`. What is no field is passed over.
    private static func sortKeys(_ value: String, _ resource: Resource) -> [SortKey] {
        var names = value.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
        let direction = names.last?.lowercased()
        let isDirection = direction == "desc" || direction == "asc"
        if isDirection { names.removeLast() }
        return names.filter { resource.field($0) != nil }
            .map { SortKey(field: $0, isDescending: isDirection && direction == "desc") }
    }

    private static func filter(_ value: String, _ field: Field) throws(Problem) -> String {
        switch try? field.coerce(.string(value)) {
        case .integer(let number): return String(number)
        case .string(let text): return text
        case .bool(let flag): return String(flag)
        default:
            throw .badRequest(
                "parameter '\(field.name)' is '\(value.prefix(80))', expected \(field.expectation)")
        }
    }

    /// The order in full: by id where all else is equal, so that pages never overlap.
    var order: [SortKey] {
        sort.contains { $0.field == resource.idField }
            ? sort : sort + [SortKey(field: resource.idField, isDescending: false)]
    }

    /// What a shard is asked for its first rows, or for its last ones with the last first.
    func shardPath(limit: Int, fromTheEnd: Bool = false) -> String {
        var path = "\(resource.collectionPath)?limit=\(limit)"
        for key in fromTheEnd ? order : sort {
            path += "&sort=\(key.field),\(key.isDescending != fromTheEnd ? "desc" : "asc")"
        }
        return path + Self.text(filters, before: "&")
    }

    /// What links of pages carry besides page and size.
    var sortText: String {
        sort.map { "&sort=\($0.field),\($0.isDescending ? "desc" : "asc")" }.joined()
    }

    /// The filters as a query of their own, or nothing.
    func filterText(before: String) -> String { Self.text(filters, before: before) }

    private static func text(_ pairs: [(name: String, value: String)], before: String) -> String {
        guard !pairs.isEmpty else { return "" }
        return before + pairs.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
    }
}
