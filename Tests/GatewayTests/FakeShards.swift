// The shards of a system in memory: what a worker answers, without Kafka and without rules beyond those of a shop that
// keeps what it is given.
import Contract
import Synchronization
import Wire
import Worker

@testable import Gateway

final class FakeShards: ShardCaller {
    struct State {
        /// By resource, then by id.
        var items: [String: [Int64: JSONObject]] = [:]
        var answered: [String: Reply] = [:]
        /// What a key stands for, by service and key.
        var claimed: [String: Int64] = [:]
        var calls: [Call] = []
        var refusal: Problem?
        /// Calls of these paths are answered so.
        var scripted: [String: Reply] = [:]
    }
    let state = Mutex(State())
    let shards: Shards
    private let resources: [Resource]

    init(_ system: SystemContract, shards: Int32) {
        self.shards = Shards(count: shards)
        resources = system.services.flatMap(\.resources)
    }

    var calls: [Call] { state.withLock { $0.calls } }
    func refuse(_ problem: Problem?) { state.withLock { $0.refusal = problem } }
    func script(_ path: String, _ reply: Reply?) { state.withLock { $0.scripted[path] = reply } }
    func put(_ resource: Resource, _ item: JSONObject) {
        state.withLock { $0.items[resource.name, default: [:]][item[resource.idField]?.integer ?? 0] = item }
    }

    func statistics() -> JSONObject { ["inFlight": 0, "breakers": ["order": "closed"]] }

    func send(_ call: Call, then: @escaping @Sendable (CallResult) -> Void) {
        let result: CallResult = state.withLock { state in
            state.calls.append(call)
            if let refusal = state.refusal { return .refused(refusal) }
            if let fingerprint = call.claims { return .answered(claim(call, fingerprint, &state)) }
            if let key = call.key, let reply = state.answered[key] { return .answered(reply) }
            let reply: Reply
            do throws(Problem) { reply = try answer(call, &state) } catch { reply = Self.reply(error) }
            if let key = call.key { state.answered[key] = reply }
            return .answered(reply)
        }
        then(result)
    }

    private func claim(_ call: Call, _ fingerprint: Int64, _ state: inout State) -> Reply {
        let key = "\(call.service) \(call.key ?? "")"
        guard state.claimed[key, default: fingerprint] == fingerprint else {
            return Self.reply(Problem(422, "the key was used for another request"))
        }
        state.claimed[key] = fingerprint
        return Reply(status: 204, contentType: Reply.jsonType, body: [])
    }

    private func answer(_ call: Call, _ state: inout State) throws(Problem) -> Reply {
        let parts = call.path.split(separator: "?", maxSplits: 1).map(String.init)
        let segments = parts[0].split(separator: "/").map(String.init)
        if let reply = state.scripted[parts[0]] { return reply }
        guard let resource = resources.first(where: { $0.name == segments[0] }) else {
            return Reply(status: 200, contentType: Reply.textType, body: Array("text".utf8))
        }
        if segments.count == 1 {
            let query = parts.count > 1 ? parts[1] : ""
            return call.method == .post
                ? try create(resource, call, &state) : list(resource, call.shard, query, state)
        }
        let id = try resource.readID(segments[1])
        guard shards.owner(of: id) == call.shard else { throw Problem(500, "asked the wrong shard") }
        guard let item = state.items[resource.name]?[id] else {
            throw .notFound("\(resource.item) \(id) does not exist")
        }
        if let ifMatch = call.ifMatch, !EntityTag.ifMatch(ifMatch, allows: EntityTag.of(item.bytes)) {
            throw Problem(412, "\(resource.item) \(id) has changed")
        }
        return try answer(call, resource, id, item, &state)
    }

    private func answer(
        _ call: Call, _ resource: Resource, _ id: Int64, _ item: JSONObject, _ state: inout State
    ) throws(Problem) -> Reply {
        switch call.method {
        case .delete:
            if let status = item["orderStatus"]?.string, status != "Ordered" {
                throw .conflict("order \(id) is \(status)")
            }
            state.items[resource.name]?[id] = nil
            return Reply(status: 204, contentType: Reply.jsonType, body: [])
        case .put, .patch:
            let changes = call.method == .put ? try resource.readWhole(call.body) : try resource.readPart(call.body)
            var changed = item
            for (name, value) in changes.members { changed[name] = value }
            state.items[resource.name]?[id] = changed
            return Reply(status: 200, contentType: Reply.jsonType, body: changed.bytes)
        default: return Reply(status: 200, contentType: Reply.jsonType, body: item.bytes)
        }
    }

    private func create(_ resource: Resource, _ call: Call, _ state: inout State) throws(Problem) -> Reply {
        let body = try resource.readWhole(call.body)
        let own = (state.items[resource.name] ?? [:]).keys.filter { shards.owner(of: $0) == call.shard }
        let id = own.max().map { $0 + Int64(shards.count) } ?? shards.firstID(of: call.shard)
        var item = JSONObject()
        for field in resource.fields {
            switch field.name {
            case resource.idField: item.append(field.name, .integer(id))
            case "orderStatus": item.append(field.name, "Ordered")
            default: item.append(field.name, body[field.name] ?? .null)
            }
        }
        state.items[resource.name, default: [:]][id] = item
        return Reply(
            status: resource.statusOfCreation, contentType: Reply.jsonType, body: item.bytes, createdID: id)
    }

    private func list(_ resource: Resource, _ shard: Int32, _ query: String, _ state: State) -> Reply {
        var limit = Int.max
        var order: [SortKey] = []
        var rows = (state.items[resource.name] ?? [:]).filter { shards.owner(of: $0.key) == shard }.map(\.value)
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            switch parts[0] {
            case "limit": limit = Int(parts[1]) ?? 0
            case "sort":
                let key = parts[1].split(separator: ",").map(String.init)
                order.append(SortKey(field: key[0], isDescending: key[1] == "desc"))
            default: rows = rows.filter { $0[parts[0]]?.integer == Int64(parts[1]) }
            }
        }
        let total = rows.count
        rows = Array(Self.sorted(rows, order, resource.idField).prefix(limit))
        let body: JSON = ["total": .integer(Int64(total)), "items": .array(rows.map(JSON.object))]
        return Reply(status: 200, contentType: Reply.jsonType, body: body.bytes)
    }

    /// As `ORDER BY …, id` sorts.
    static func sorted(_ rows: [JSONObject], _ order: [SortKey], _ idField: String) -> [JSONObject] {
        rows.sorted { one, other in
            for key in order {
                let comparison = SQLOrder.compare(one[key.field] ?? .null, other[key.field] ?? .null)
                if comparison != 0 { return (comparison < 0) != key.isDescending }
            }
            return (one[idField]?.integer ?? 0) < (other[idField]?.integer ?? 0)
        }
    }

    private static func reply(_ problem: Problem) -> Reply {
        Reply(status: problem.status, contentType: Problem.contentType, body: problem.json.bytes)
    }
}
