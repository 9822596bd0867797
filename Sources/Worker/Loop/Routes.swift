// From method and path of a request to the function that answers it.
import Contract
import Wire

struct Routes {
    enum Target {
        case list(Resource, table: String)
        case item(Resource, table: String, id: Int64)
        /// A rule, and the typed request it is given.
        case rule(Rules.RequestRule, Request, Resource?)
    }

    private let contract: ServiceContract
    private let rules: Rules

    init(_ service: Service) {
        contract = service.contract
        rules = service.rules
    }

    func target(of message: RequestMessage) throws(Problem) -> Target {
        let (segments, query) = Self.split(message.path)
        if let operation = contract.operations.first(where: { $0.matches(segments) }) {
            guard message.method == .get, let rule = rules.operations[operation.path] else {
                throw Problem(405, "\(message.method.rawValue) is not possible on \(operation.path)")
            }
            let id = operation.placement == .pathID ? segments.last.flatMap { Int64($0) } : nil
            return .rule(rule, request(message, id: id, query: query, body: [:]), nil)
        }
        guard let name = segments.first, let resource = contract.resources.first(where: { $0.name == name }),
            segments.count <= 2
        else { throw .notFound("there is nothing at \(message.path.prefix(200))") }
        if segments.count == 1 { return try collection(resource, message, query) }
        return try item(resource, try resource.readID(segments[1]), message, query)
    }

    private func collection(
        _ resource: Resource, _ message: RequestMessage, _ query: [(name: String, value: String)]
    ) throws(Problem) -> Target {
        switch message.method {
        case .get:
            guard resource.actions.contains(.list), let table = rules.tables[resource.name] else { break }
            return .list(resource, table: table)
        case .post:
            guard resource.actions.contains(.create), let rule = rules.creations[resource.name] else { break }
            let body = try resource.readWhole(message.body)
            return .rule(rule, request(message, id: nil, query: query, body: body), resource)
        default: break
        }
        throw Problem(405, "\(message.method.rawValue) is not possible on \(resource.collectionPath)")
    }

    private func item(
        _ resource: Resource, _ id: Int64, _ message: RequestMessage, _ query: [(name: String, value: String)]
    ) throws(Problem) -> Target {
        var rule: Rules.RequestRule?
        var body: JSONObject = [:]
        switch message.method {
        case .get where resource.actions.contains(.read):
            if let table = rules.tables[resource.name] { return .item(resource, table: table, id: id) }
        case .put where resource.actions.contains(.replace):
            body = try resource.readWhole(message.body)
            rule = rules.replacements[resource.name]
        case .patch where resource.actions.contains(.change):
            body = try resource.readPart(message.body)
            rule = rules.changes[resource.name]
        case .delete where resource.actions.contains(.remove): rule = rules.removals[resource.name]
        default: break
        }
        guard let rule else {
            throw Problem(405, "\(message.method.rawValue) is not possible on an item of \(resource.collectionPath)")
        }
        return .rule(rule, request(message, id: id, query: query, body: body), resource)
    }

    private func request(
        _ message: RequestMessage, id: Int64?, query: [(name: String, value: String)], body: JSONObject
    ) -> Request {
        Request(key: message.id, method: message.method, path: message.path, id: id, query: query, body: body)
    }

    func resource(of message: RequestMessage) -> Resource? {
        let name = Self.split(message.path).segments.first
        return contract.resources.first { $0.name == name }
    }

    /// The id whose shard must have received the request, where it is about one.
    func home(of target: Target) -> Int64? {
        switch target {
        case .list: return nil
        case .item(_, _, let id): return id
        case .rule(_, let request, let resource):
            if let id = request.id { return id }
            guard let resource, case .shardOf(let field) = resource.creation else { return nil }
            return request.body[field]?.integer
        }
    }

    /// The id at the end of a path to one item.
    func itemID(of message: RequestMessage) -> Int64? {
        let segments = Self.split(message.path).segments
        return segments.count == 2 ? Int64(segments[1]) : nil
    }

    /// Paths on request topics are written by our own edge: plain segments, an encoded query.
    static func split(_ path: String) -> (segments: [String], query: [(name: String, value: String)]) {
        let isPlain = path.utf8.allSatisfy { $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "?") }
        if isPlain { return (path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }, []) }
        let halves = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let segments = (halves.first ?? "").split(separator: "/").map { PercentCoding.decode($0) ?? String($0) }
        let pairs = halves.count > 1 ? halves[1].split(separator: "&") : []
        let query = pairs.map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (
                name: PercentCoding.decode(parts[0]) ?? "",
                value: parts.count > 1 ? PercentCoding.decode(parts[1]) ?? "" : ""
            )
        }
        return (segments, query)
    }
}
