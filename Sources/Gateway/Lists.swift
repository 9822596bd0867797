// A page of a list: every shard is asked for its part, the parts are merged, links to the other pages are added.
import Contract
import Ingress
import Synchronization
import Wire
import Worker

extension Edge {
    /// `GET /books`
    func list(_ visit: Visit, _ home: ResourceHome) throws(Problem) {
        let representation = try Representation(visit, home.resource, options)
        let query = try ListQuery(visit.request, home.resource, options)
        let backend = try connected()
        let wait = try Wait(visit.request, options, item: nil)
        let page = ListRequest(
            edge: self, visit: visit, home: home, backend: backend, representation: representation, query: query,
            applied: wait?.applied ?? [])
        guard let wait else { return page.begin() }
        waitFor(wait, visit, home, backend) { found in
            if let failure = wait.failure(found, home.resource) {
                return visit.refuse(failure, headers: wait.applied)
            }
            page.begin()
        }
    }
}

/// One client's wish for one page, through its one or two rounds of questions.
private struct ListRequest: Sendable {
    let edge: Edge
    let visit: Visit
    let home: ResourceHome
    let backend: Edge.Backend
    let representation: Representation
    let query: ListQuery
    let applied: [(name: String, value: String)]

    private var rowsMax: Int { edge.options.listRowsMax }

    func begin() {
        if isWhole { return ask(limit: rowsMax) { merge throws(Problem) in try whole(merge) } }
        let limit = (query.page + 1) * query.size
        // A shard may be asked for so many rows. A page that lies deeper may lie beyond the end, or close to it.
        guard limit > rowsMax else { return ask(limit: limit) { merge throws(Problem) in try fromTheStart(merge) } }
        ask(limit: 1) { merge throws(Problem) in
            let total = merge.total
            if query.page * query.size >= total { return page([], total) }
            let fromEnd = total - query.page * query.size
            guard fromEnd <= rowsMax else {
                throw .badRequest(
                    "page \(query.page) of size \(query.size) lies more than \(rowsMax) rows from either end of the list"
                )
            }
            ask(limit: fromEnd, fromTheEnd: true) { merge throws(Problem) in try fromTheEnd(merge) }
            return nil
        }
    }

    /// A plain list has no pages to speak of: unless a client asks for one, it gets everything.
    private var isWhole: Bool { home.resource.representation == .plain && query.isPlain }

    private func whole(_ merge: ListMerge) throws(Problem) -> HTTPResponse {
        var merge = merge
        guard merge.total <= rowsMax else {
            throw .badRequest("the list has \(merge.total) rows, more than \(rowsMax) at once: ask with page and size")
        }
        return page(try merge.rows(after: 0, count: rowsMax), merge.total)
    }

    private func fromTheStart(_ merge: ListMerge) throws(Problem) -> HTTPResponse {
        var merge = merge
        return page(try merge.rows(after: query.page * query.size, count: query.size), merge.total)
    }

    private func fromTheEnd(_ merge: ListMerge) throws(Problem) -> HTTPResponse {
        var merge = merge
        // Counted from the end with the total of this round: rows may have come or gone since the first.
        let end = max(0, merge.total - (query.page + 1) * query.size)
        let count = max(0, merge.total - query.page * query.size - end)
        return page(try merge.rows(after: end, count: count).reversed(), merge.total)
    }

    /// Asks every shard, merges when the last one has answered. `then` may answer nothing yet and ask again.
    private func ask(
        limit: Int, fromTheEnd: Bool = false, then: @escaping @Sendable (ListMerge) throws(Problem) -> HTTPResponse?
    ) {
        let path = query.shardPath(limit: limit, fromTheEnd: fromTheEnd)
        let order = query.order.map {
            SortKey(field: $0.field, isDescending: $0.isDescending != fromTheEnd)
        }
        let gathering = Gathering(count: Int(backend.placement.shards.count)) { results in
            do throws(Problem) {
                var bodies: [[UInt8]] = []
                for result in results {
                    switch result {
                    case .refused(let problem): throw problem
                    case .answered(let reply) where reply.status == 200: bodies.append(reply.body)
                    case .answered(let reply): return visit.answer(visit.problemResponse(reply))
                    }
                }
                let merge = try ListMerge(bodies, idField: home.resource.idField, order: order)
                if let response = try then(merge) { visit.answer(response) }
            } catch {
                visit.refuse(error)
            }
        }
        for shard in 0..<backend.placement.shards.count {
            let call = Call(
                service: home.service, shard: shard, method: .get, path: path,
                deadlineMilliseconds: edge.options.deadlineMilliseconds, trace: visit.trace)
            backend.caller.send(call) { gathering.add($0, at: Int(shard)) }
        }
    }

    private func page(_ rows: [ShardRows.Row], _ total: Int) -> HTTPResponse {
        var body: [UInt8] = []
        body.reserveCapacity(rows.reduce(512) { $0 + $1.bytes.count + 2 * representation.base.utf8.count + 100 })
        if home.resource.representation == .plain {
            write(rows, to: &body) { row, body in body.append(contentsOf: row.bytes) }
        } else {
            let links = ItemLinks(base: representation.base, resource: home.resource)
            body.append(contentsOf: #"{"_embedded":{""#.utf8)
            body.append(contentsOf: home.resource.name.utf8)
            body.append(contentsOf: #"":"#.utf8)
            write(rows, to: &body) { row, body in _ = links.write(row.bytes, id: row.id, to: &body) }
            body.append(contentsOf: "},".utf8)
            // Without its own braces, what follows is more members of the list's object.
            body.append(
                contentsOf: PageLinks(base: representation.base, resource: home.resource, query: query, total: total)
                    .members.bytes.dropFirst())
        }
        return HTTPResponse(
            status: 200, headers: [(name: "Content-Type", value: representation.contentType)] + applied, body: body)
    }

    private func write(
        _ rows: [ShardRows.Row], to body: inout [UInt8], _ write: (ShardRows.Row, inout [UInt8]) -> Void
    ) {
        body.append(UInt8(ascii: "["))
        for (place, row) in rows.enumerated() {
            if place > 0 { body.append(UInt8(ascii: ",")) }
            write(row, &body)
        }
        body.append(UInt8(ascii: "]"))
    }
}

/// Collects so many results and hands them on together, in order.
private final class Gathering: Sendable {
    private struct State {
        var results: [CallResult?]
        var missing: Int
    }
    private let state: Mutex<State>
    private let then: @Sendable ([CallResult]) -> Void

    init(count: Int, then: @escaping @Sendable ([CallResult]) -> Void) {
        state = Mutex(State(results: Array(repeating: nil, count: count), missing: count))
        self.then = then
    }

    func add(_ result: CallResult, at place: Int) {
        let complete: [CallResult]? = state.withLock { state in
            guard state.results[place] == nil else { return nil }
            state.results[place] = result
            state.missing -= 1
            return state.missing == 0 ? state.results.compactMap(\.self) : nil
        }
        if let complete { then(complete) }
    }
}
