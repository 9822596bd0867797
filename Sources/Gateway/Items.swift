// One item: made, read, replaced, changed, removed. The body is checked here, before anything goes to Kafka.
import Contract
import Ingress
import Wire
import Worker

extension Edge {
    /// `POST /books`
    func create(_ visit: Visit, _ home: ResourceHome) throws(Problem) {
        let representation = try Representation(visit, home.resource, options)
        try checkBody(visit, .post)
        let key = try IdempotencyKey.of(visit.request, bytesMax: options.idempotencyKeyBytesMax)
        let body = try home.resource.readWhole(visit.request.body)
        let backend = try connected()
        let call = Call(
            service: home.service, shard: try backend.placement.creation(home, body: body, key: key), method: .post,
            path: home.resource.collectionPath, body: body.bytes, key: key,
            deadlineMilliseconds: options.deadlineMilliseconds, trace: visit.trace)
        write(call, visit, backend) { result in
            visit.answer(visit.response(to: result) { representation.item($0, id: $0.createdID, isNewOrWhole: true) })
        }
    }

    /// `GET`, `PUT`, `PATCH` and `DELETE` of `/books/1`
    func item(_ visit: Visit, _ home: ResourceHome, _ method: Method) throws(Problem) {
        let representation = try Representation(visit, home.resource, options)
        var body: [UInt8] = []
        if method == .put || method == .patch { try checkBody(visit, method) }
        let id = try home.resource.readID(visit.request.segments[1])
        switch method {
        case .put: body = try home.resource.readWhole(visit.request.body).bytes
        case .patch: body = try home.resource.readPart(visit.request.body).bytes
        default: break
        }
        if method == .get { return try read(visit, home, id, representation) }
        if let known = visit.request.header("If-None-Match") { return try refuse(visit, home, id, known) }
        let key = try IdempotencyKey.of(visit.request, bytesMax: options.idempotencyKeyBytesMax)
        let backend = try connected()
        let call = Call(
            service: home.service, shard: backend.placement.item(id), method: method,
            path: home.resource.itemPath(id), body: body, key: key, ifMatch: visit.request.header("If-Match"),
            deadlineMilliseconds: options.deadlineMilliseconds, trace: visit.trace)
        write(call, visit, backend) { result in
            visit.answer(
                visit.response(to: result) { representation.item($0, id: id, isNewOrWhole: method == .put) })
        }
    }

    private func read(
        _ visit: Visit, _ home: ResourceHome, _ id: Int64, _ representation: Representation
    ) throws(Problem) {
        let backend = try connected()
        let wait = try Wait(visit.request, options, item: id)
        // Waiting for the very item that is asked for ends with the item in hand.
        let last = wait?.id == id ? nil : readCall(visit, home, id, backend)
        let known = visit.request.header("If-None-Match")
        let answer: @Sendable (CallResult) -> Void = { result in
            var response = visit.response(to: result) { representation.item($0, id: id, isNewOrWhole: false) }
            response.headers += wait?.applied ?? []
            visit.answer(Self.unlessKnown(response, known))
        }
        guard let wait else { return backend.caller.send(readCall(visit, home, id, backend), then: answer) }
        waitFor(wait, visit, home, backend) { found in
            guard let last else { return answer(found) }
            if let failure = wait.failure(found, home.resource) {
                return visit.refuse(failure, headers: wait.applied)
            }
            backend.caller.send(last, then: answer)
        }
    }

    /// A write of an item that must not be there, or not have some version. What is not there no write makes, so the
    /// first is never done, whatever the shard knows; the second a shard could only check together with the write.
    private func refuse(_ visit: Visit, _ home: ResourceHome, _ id: Int64, _ known: String) throws(Problem) {
        guard known == "*" else {
            throw .badRequest("header 'If-None-Match' can only be * here; 'If-Match' names the version to be changed")
        }
        let backend = try connected()
        backend.caller.send(readCall(visit, home, id, backend)) { result in
            guard case .answered(let reply) = result, reply.status == 200 else {
                return visit.answer(visit.response(to: result) { _ in nil })
            }
            visit.refuse(Problem(412, "\(home.resource.item) \(id) is there, which 'If-None-Match: *' rules out"))
        }
    }

    func readCall(_ visit: Visit, _ home: ResourceHome, _ id: Int64, _ backend: Backend) -> Call {
        Call(
            service: home.service, shard: backend.placement.item(id), method: .get, path: home.resource.itemPath(id),
            deadlineMilliseconds: options.deadlineMilliseconds, trace: visit.trace)
    }

    private func checkBody(_ visit: Visit, _ method: Method) throws(Problem) {
        let request = visit.request
        if request.body.isEmpty, request.header("Content-Length") == nil, request.header("Transfer-Encoding") == nil {
            throw Problem(411, "the request has no body and no header 'Content-Length', expected a JSON object")
        }
        try MediaType.checkBody(request, method)
    }

    /// 304 when the client has this very version. The body stays for its length, which must not be another than that of
    /// the 200.
    private static func unlessKnown(_ response: HTTPResponse, _ known: String?) -> HTTPResponse {
        guard let known, response.status == 200,
            let tag = response.headers.first(where: { $0.name == "ETag" })?.value,
            EntityTag.ifNoneMatch(known, knows: tag)
        else { return response }
        let headers = response.headers.filter { $0.name != "Content-Type" }
        return HTTPResponse(status: 304, headers: headers, body: response.body)
    }
}

/// How one visit wants one resource shown.
struct Representation: Sendable {
    let resource: Resource
    let contentType: String
    let base: String

    /// Throws 406 before anything has happened.
    init(_ visit: Visit, _ resource: Resource, _ options: EdgeOptions) throws(Problem) {
        self.resource = resource
        contentType = try MediaType.negotiated(visit.request.header("Accept"), for: resource.representation)
        base = try LinkBase.of(visit.request, options)
    }

    /// What a shard answered about one item, nil when it makes no sense.
    func item(_ reply: Reply, id: Int64?, isNewOrWhole: Bool) -> HTTPResponse? {
        if reply.status == 204 { return HTTPResponse(status: 204) }
        guard (200..<300).contains(reply.status), let id else { return nil }
        var headers = [
            (name: "Content-Type", value: contentType), (name: "ETag", value: EntityTag.of(reply.body)),
        ]
        let hasLocation = isNewOrWhole && (reply.status == 201 || resource.representation == .hal)
        if hasLocation { headers.append((name: "Location", value: "\(base)/\(resource.name)/\(id)")) }
        guard resource.representation == .hal else {
            return HTTPResponse(status: reply.status, headers: headers, body: reply.body)
        }
        var body: [UInt8] = []
        body.reserveCapacity(reply.body.count + 2 * base.utf8.count + 96)
        guard ItemLinks(base: base, resource: resource).write(reply.body[...], id: id, to: &body) else { return nil }
        return HTTPResponse(status: reply.status, headers: headers, body: body)
    }
}

extension Visit {
    /// A shard's answer as HTTP: made by `render` when it is good, a problem when it is none.
    func response(to result: CallResult, _ render: (Reply) -> HTTPResponse?) -> HTTPResponse {
        switch result {
        case .refused(let problem): return problemResponse(problem)
        case .answered(let reply) where reply.status >= 400 && reply.status < 600: return problemResponse(reply)
        case .answered(let reply):
            return render(reply)
                ?? problemResponse(Problem(500, "the service answered something that is no answer to this request"))
        }
    }
}
