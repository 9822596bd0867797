// One request on its way through the edge: what was asked, who it is in logs and traces, and the one way out.
import Contract
import Ingress
import Platform
import Synchronization
import Wire
import Worker

final class Visit: Sendable {
    let request: HTTPRequest
    let route: Route?
    /// The client's `X-Request-Id`, or one of ours.
    let requestID: String
    /// Our own step in the client's trace, or a new trace.
    let trace: TraceContext
    let startMicroseconds = Clock.monotonicMicroseconds()
    private let isOver = Atomic(false)
    private let isWaitedFor: @Sendable () -> Bool
    private let leave: @Sendable (Visit, HTTPResponse) -> Void

    init(
        _ request: HTTPRequest, route: Route?, isWaitedFor: @escaping @Sendable () -> Bool,
        leave: @escaping @Sendable (Visit, HTTPResponse) -> Void
    ) {
        self.request = request
        self.route = route
        self.isWaitedFor = isWaitedFor
        self.leave = leave
        requestID = Self.requestID(request.header("X-Request-Id"))
        trace = request.header("traceparent").flatMap { TraceContext(header: $0) }?.child() ?? TraceContext()
    }

    /// HEAD is GET whose body the server keeps for itself.
    var method: Method? {
        let method = Method(rawValue: request.method)
        return method == .head ? .get : method
    }

    var isClientThere: Bool { isWaitedFor() }

    /// The first answer counts: a server that stops may have given up on the visit before the last call comes back.
    func answer(_ response: HTTPResponse) {
        guard !isOver.exchange(true, ordering: .relaxed) else { return }
        leave(self, response)
    }

    func refuse(_ problem: Problem, headers: [(name: String, value: String)] = []) {
        answer(problemResponse(problem, headers: headers))
    }

    /// - Parameter hasInstance: false where the path was not read or makes no sense.
    func problemResponse(
        _ problem: Problem, headers: [(name: String, value: String)] = [], hasInstance: Bool = true
    ) -> HTTPResponse {
        var body = problem.json
        if hasInstance { body.append("instance", .string(request.target)) }
        body.append("requestId", .string(requestID))
        var headers = headers
        headers.append((name: "Content-Type", value: Problem.contentType))
        if let seconds = problem.retryAfterSeconds {
            headers.append((name: "Retry-After", value: String(seconds)))
        }
        return HTTPResponse(status: problem.status, headers: headers, body: body.bytes)
    }

    /// What a shard refused, as its caller sees it: the same problem, told whose request it was about.
    func problemResponse(_ reply: Reply) -> HTTPResponse { problemResponse(reply.problem) }

    /// Whatever a client sends comes back in a header and in logs, so it must be short and printable.
    private static func requestID(_ header: String?) -> String {
        guard let header, (1...requestIDBytesMax).contains(header.utf8.count),
            header.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return Identifier.hex(bytes: 16) }
        return header
    }

    static let requestIDBytesMax = 128
}
