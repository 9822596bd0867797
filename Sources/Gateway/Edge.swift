// The HTTP edge of a system: takes requests, asks the shards that can answer, and speaks HAL to the client.
public import Contract
public import Ingress
import Platform
import Synchronization
public import Wire

public final class Edge: Sendable {
    let system: SystemContract
    let options: EdgeOptions
    let router: Router
    let alarm = Alarm()
    let telemetry: Telemetry
    let instance: String
    private let limiter: RateLimiter?
    private let inFlight = Atomic<Int>(0)
    private let shedding = Atomic<Int>(0)
    private let backend = Mutex<Backend?>(nil)
    private let early = EarlyVisits()
    private let isClosing = Atomic(false)
    private let readiness: @Sendable () -> String?

    /// Where calls go, once it is known.
    struct Backend: Sendable {
        let caller: any ShardCaller
        let placement: Placement
    }

    /// - Parameters:
    ///   - services: those whose paths are served here.
    ///   - local: paths this process answers by itself.
    ///   - readiness: says why the process should get no traffic, nil when it should.
    public init(
        system: SystemContract, services: [ServiceContract], instance: String, options: EdgeOptions = EdgeOptions(),
        local: [LocalRoute] = [], readiness: @escaping @Sendable () -> String? = { nil }
    ) {
        self.system = system
        self.instance = instance
        self.options = options
        self.readiness = readiness
        telemetry = Telemetry(silenceMilliseconds: options.telemetrySilenceMilliseconds)
        limiter = options.ratePerSecond > 0 ? RateLimiter(options) : nil
        router = Router(
            services: services, local: local,
            documents: Document.all(system: system, services: services, local: local, options: options))
    }

    /// From now on requests are served; until then they wait, at most as long as a call may take, and then get 503.
    public func connect(_ caller: any ShardCaller, shards: Shards) {
        backend.withLock { $0 = Backend(caller: caller, placement: Placement(shards: shards)) }
        for visit in early.takeAll() { serve(visit) }
    }

    /// From now on the process is not ready, so that balancers send their traffic elsewhere; requests are still served.
    public func close() { isClosing.store(true, ordering: .relaxed) }

    /// The handler of an `HTTPServer`.
    public func handle(_ exchange: Exchange) {
        let visit = handle(exchange.request, isWaitedFor: { exchange.isOpen }, answer: { exchange.answer($0) })
        // Weak, since the visit holds the exchange; while it is not answered somebody holds the visit.
        exchange.whenStopped { [weak visit, weak self] refusal in
            if let visit, let self { giveUp(visit, refusal) }
        }
    }

    /// The server stops and waits no longer. What was sent to a service may still be done: only a 504 leaves that open.
    func giveUp(_ visit: Visit, _ refusal: Refusal) {
        let isWrite = visit.method != .get && visit.method != .options
        let isInDoubt = !early.take(visit) && isWrite
        visit.refuse(isInDoubt ? Problem(504, "the process stopped before the answer came") : Problem(refusal))
    }

    /// What an `HTTPServer` refuses by itself gets what every answer gets, as far as the request was read.
    public func refuse(_ refusal: Refusal, of head: RequestHead) -> HTTPResponse {
        let request = HTTPRequest(
            method: head.method, target: head.target, segments: head.segments ?? [], headers: head.headers,
            remoteAddress: head.remoteAddress)
        let route = head.segments.flatMap { router.find($0) }
        let visit = Visit(request, route: route, isWaitedFor: { false }, leave: { _, _ in })
        var response = visit.problemResponse(Problem(refusal), hasInstance: head.segments != nil)
        mark(&response, of: visit)
        record(visit, status: refusal.status)
        return response
    }

    /// Answers once, at the deadline at the latest, on any thread.
    @discardableResult
    func handle(
        _ request: HTTPRequest, isWaitedFor: @escaping @Sendable () -> Bool = { true },
        answer: @escaping @Sendable (HTTPResponse) -> Void
    ) -> Visit {
        inFlight.wrappingAdd(1, ordering: .relaxed)
        let allowance = limiter?.take(address: ClientAddress.of(request, trusted: options.forwardedTrusted))
        let visit = Visit(request, route: router.find(request.segments), isWaitedFor: isWaitedFor) { visit, response in
            answer(self.finish(visit, response, allowance))
        }
        if let allowance, !allowance.isGranted, visit.route?.isProbe != true {
            visit.refuse(
                Problem(
                    429, "more than \(options.ratePerSecond) requests a second from one address",
                    retryAfterSeconds: allowance.resetSeconds))
        } else {
            serve(visit)
        }
        return visit
    }

    private func serve(_ visit: Visit) {
        if CrossOrigin.isPreflight(visit.request) { return visit.answer(CrossOrigin.preflight(visit)) }
        if visit.request.target == "*" {
            guard visit.request.method == "OPTIONS" else {
                return visit.refuse(.badRequest("'*' is the server as a whole, which only OPTIONS asks about"))
            }
            return visit.answer(Self.allowing(Method.allCases))
        }
        guard let route = visit.route else {
            return visit.refuse(.notFound("nothing lies at \(visit.request.target.prefix(200))"))
        }
        guard let method = visit.method, route.methods.contains(method) else {
            let name = visit.request.method.prefix(40)
            return visit.refuse(
                Problem(405, "\(name) is not possible here, only \(route.allow)"),
                headers: [(name: "Allow", value: route.allow)])
        }
        if method == .options { return visit.answer(Self.allowing(route.methods)) }
        if inFlight.load(ordering: .relaxed) > options.inFlightMax, !route.isProbe {
            shedding.wrappingAdd(1, ordering: .relaxed)
            return visit.refuse(.unavailable("more than \(options.inFlightMax) requests are under way"))
        }
        if route.target.asksShards && isUnconnected { return wait(visit) }
        do throws(Problem) {
            try dispatch(visit, method, route.target)
        } catch {
            let name = method == .patch ? "Accept-Patch" : "Accept"
            visit.refuse(
                error, headers: error.status == 415 ? [(name: name, value: MediaType.taken(method))] : [])
        }
    }

    private var isUnconnected: Bool { backend.withLock { $0 == nil } }

    /// A process that starts costs its clients time and no error, as a worker that starts does.
    private func wait(_ visit: Visit) {
        early.add(visit)
        // Connected in between: whoever takes it out serves it.
        if !isUnconnected, early.take(visit) { return serve(visit) }
        alarm.after(milliseconds: options.deadlineMilliseconds) { [early] in
            guard early.take(visit) else { return }
            visit.refuse(.unavailable(Self.unconnected))
        }
    }

    private func dispatch(_ visit: Visit, _ method: Method, _ target: Route.Target) throws(Problem) {
        switch target {
        case .collection(let home) where method == .post: try create(visit, home)
        case .collection(let home): try list(visit, home)
        case .item(let home): try item(visit, home, method)
        case .operation(let operation, let service, let turn): try call(visit, operation, of: service, turn)
        case .local(let local): visit.answer(try Self.response(of: local))
        case .root: try root(visit)
        case .profiles: try profiles(visit)
        case .profile(let home): try profile(visit, home)
        case .searches(let home): try searches(visit, home)
        case .document(let document): visit.answer(document.response)
        case .live: visit.answer(Self.health(nil))
        case .ready: visit.answer(Self.health(whyNotReady))
        case .metrics: visit.answer(metrics())
        }
    }

    private static let unconnected = "this process is starting and not connected yet"

    func connected() throws(Problem) -> Backend {
        guard let backend = backend.withLock({ $0 }) else {
            throw .unavailable(Self.unconnected)
        }
        return backend
    }

    var requestsInFlight: Int { inFlight.load(ordering: .relaxed) }
    var requestsShed: Int { shedding.load(ordering: .relaxed) }
    var callerStatistics: JSONObject? { backend.withLock { $0 }?.caller.statistics() }

    private var whyNotReady: String? {
        if isClosing.load(ordering: .relaxed) { return "the process is stopping" }
        if isUnconnected { return Self.unconnected }
        return readiness()
    }

    /// Whatever every answer carries, then the counters and the log.
    private func finish(_ visit: Visit, _ response: HTTPResponse, _ allowance: RateLimiter.Allowance?) -> HTTPResponse {
        var response = response
        mark(&response, of: visit)
        allowance?.mark(&response)
        inFlight.wrappingSubtract(1, ordering: .relaxed)
        record(visit, status: response.status)
        return response
    }

    private func mark(_ response: inout HTTPResponse, of visit: Visit) {
        response.headers.append((name: "X-Request-Id", value: visit.requestID))
        response.headers.append((name: "traceparent", value: visit.trace.header))
        CrossOrigin.mark(&response, for: visit.request)
    }

    private func record(_ visit: Visit, status: Int) {
        let microseconds = Clock.monotonicMicroseconds() - visit.startMicroseconds
        (visit.route ?? router.unmatched).traffic.count(
            method: visit.request.method, status: status, microseconds: microseconds)
        if options.accessLog {
            let client = ClientAddress.of(visit.request, trusted: options.forwardedTrusted)
            AccessLog.write(visit, client: client, status: status, microseconds: microseconds)
        }
    }

    private static func allowing(_ methods: [Method]) -> HTTPResponse {
        HTTPResponse(
            status: 200, headers: [(name: "Allow", value: methods.map(\.rawValue).joined(separator: ", "))])
    }

    private static func response(of local: LocalRoute) throws(Problem) -> HTTPResponse {
        let reply = try local.answer()
        let type = reply.body.isEmpty ? [] : [(name: "Content-Type", value: reply.contentType)]
        return HTTPResponse(status: reply.status, headers: type, body: reply.body)
    }

    /// `UP`, or why not.
    private static func health(_ reason: String?) -> HTTPResponse {
        var body: JSONObject = ["status": reason == nil ? "UP" : "DOWN"]
        if let reason { body.append("reason", .string(reason)) }
        var headers = [(name: "Content-Type", value: "application/json"), (name: "Cache-Control", value: "no-store")]
        if reason != nil { headers.append((name: "Retry-After", value: "1")) }
        return HTTPResponse(status: reason == nil ? 200 : 503, headers: headers, body: body.bytes)
    }
}

extension Problem {
    /// What the HTTP server refuses by itself.
    fileprivate init(_ refusal: Refusal) {
        self.init(refusal.status, refusal.detail, title: refusal.title, retryAfterSeconds: refusal.retryAfterSeconds)
    }
}
