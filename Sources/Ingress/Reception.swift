// What becomes of connections and requests; everything the C daemon calls back ends up here.
import Glibc
import Platform
import Synchronization

/// What the daemon shall do next with a request.
enum NextStep {
    /// Read on, or wait for the answer of a suspended connection.
    case goOn
    case send(PreparedResponse)
    case drop
}

final class Reception: Sendable {
    let limits: IngressLimits
    private let refuse: @Sendable (Refusal, RequestHead) -> HTTPResponse
    private let handler: @Sendable (Exchange) -> Void
    let connections = ConnectionTable()
    let departures = Departures()
    /// No new connections: those there are told to close after their answer.
    let quiescing = Atomic(false)
    /// No new requests either: nothing may be suspended any more.
    private let closing = Atomic(false)

    init(
        limits: IngressLimits, refuse: @escaping @Sendable (Refusal, RequestHead) -> HTTPResponse,
        handler: @escaping @Sendable (Exchange) -> Void
    ) {
        self.limits = limits
        self.refuse = refuse
        self.handler = handler
    }

    /// A refusal as bytes for a socket, written past the daemon.
    func rawRefusal(_ refusal: Refusal, of head: RequestHead) -> [UInt8] { rawBytes(refuse(refusal, head)) }

    /// Whether a request is being handled or an answer being sent.
    var isBusy: Bool {
        connections.all.contains { connection in
            connection.phase.withLock { phase in
                switch phase {
                case .handling, .sending: true
                default: false
                }
            }
        }
    }

    /// Takes no more requests, and answers those that still wait.
    func close() {
        closing.store(true, ordering: .sequentiallyConsistent)
        for connection in connections.all {
            let exchange: Exchange? = connection.phase.withLock { phase in
                if case .handling(let exchange) = phase { exchange } else { nil }
            }
            exchange?.giveUp(.stopping) { refuse(.stopping, connection.head) }
        }
    }

    // From here on: called on the polling thread.

    func connectionStarted(_ connection: Connection) {
        connection.reception = self
        connection.advance(to: .reading(deadline: deadline(limits.requestTimeoutSeconds)))
    }

    func targetArrived(_ connection: Connection, _ target: Span<UInt8>) {
        let draft = RequestDraft(target: target, remoteAddress: connection.remoteAddress, limits: limits)
        connection.draft = draft
        connection.head = draft.head
        connection.advance(to: .reading(deadline: deadline(limits.requestTimeoutSeconds)))
        if draft.targetIsTooLong, let refusal = draft.refusal { abandon(connection, refusal) }
    }

    func headersArrived(
        _ connection: Connection, method: String, headers: [(name: String, value: String)], bytes: Int
    ) -> NextStep {
        guard var draft = connection.draft.take() else { return .drop }
        let plan = draft.take(method: method, headers: headers, bytes: bytes, limits: limits)
        connection.head = draft.head
        defer { connection.draft = draft }
        switch plan {
        case .read: return .goOn
        case .refuseAtOnce(let refusal): return send(refusal, on: connection)
        case .abandon(let refusal): return abandon(connection, refusal)
        }
    }

    func bodyArrived(_ connection: Connection, _ bytes: UnsafeBufferPointer<UInt8>) -> NextStep {
        guard unsafe connection.draft?.append(bytes, limits: limits) == false else { return .goOn }
        return abandon(connection, .bodyTooLarge(limits.bodyBytesMax))
    }

    /// The request is whole, or its connection was resumed.
    func requestArrived(_ connection: Connection, suspend: () -> SuspendedConnection) -> NextStep {
        if connection.exchange == nil {
            guard let draft = connection.draft.take() else { return .drop }
            guard let target = draft.target, draft.refusal == nil else {
                return send(draft.refusal ?? .stopping, on: connection)
            }
            let exchange = Exchange(
                request: HTTPRequest(
                    method: draft.head.method, target: target.path, segments: target.segments, query: target.query,
                    rawQuery: target.rawQuery, headers: draft.head.headers, body: draft.body,
                    remoteAddress: connection.remoteAddress),
                socket: connection.socket)
            guard connection.advance(to: .handling(exchange)) else { return .drop }
            // After the phase: whoever closes sets the flag first and then answers all exchanges it finds.
            guard !closing.load(ordering: .sequentiallyConsistent) else {
                return send(.stopping, on: connection)
            }
            connection.exchange = exchange
            handler(exchange)
        }
        guard let response = connection.exchange?.takeAnswer(orSuspend: suspend) else { return .goOn }
        return send(response, on: connection)
    }

    /// The daemon found the request malformed. False when it is too late for a word of ours.
    /// - Parameter headers: those it has read; the request may have been refused before its head had ended.
    func daemonRefuses(_ connection: Connection, status: Int, headers: [(name: String, value: String)]) -> Bool {
        connection.head.headers = headers
        let refusal: Refusal =
            switch status {
            case 413: .bodyTooLarge(limits.bodyBytesMax)
            case 414: .targetTooLong(limits.headerBytesMax)
            case 431: .headersTooLarge(limits.headerBytesMax)
            case 505: .unknownVersion
            default: .badRequest("The request is malformed HTTP: its first line, a header, a length or a chunk.")
            }
        return refuseWhileReading(connection, refusal)
    }

    func requestEnded(_ connection: Connection) {
        connection.exchange?.end()
        connection.exchange = nil
        connection.draft = nil
        connection.head = RequestHead(remoteAddress: connection.remoteAddress)
        connection.advance(to: .idle(since: Clock.monotonicMilliseconds()))
    }

    func connectionClosed(_ connection: Connection) {
        connection.exchange?.end()
        connection.exchange = nil
        connection.phase.withLock { $0 = .closed }
        connections.remove(connection)
    }

    private func send(_ refusal: Refusal, on connection: Connection) -> NextStep {
        send(PreparedResponse(refuse(refusal, connection.head)), on: connection)
    }

    /// The answer is made only when it can be sent: who renders refusals also counts them.
    private func send(_ response: @autoclosure () -> PreparedResponse, on connection: Connection) -> NextStep {
        guard connection.advance(to: .sending(deadline: deadline(limits.sendTimeoutSeconds))) else { return .drop }
        let response = response()
        if quiescing.load(ordering: .relaxed) { response.closeAfterwards() }
        return .send(response)
    }

    /// The client is sending more than we are willing to read: answer past the daemon, and let it drop the connection.
    @discardableResult
    private func abandon(_ connection: Connection, _ refusal: Refusal) -> NextStep {
        refuseWhileReading(connection, refusal)
        return .drop
    }

    @discardableResult
    private func refuseWhileReading(_ connection: Connection, _ refusal: Refusal) -> Bool {
        guard connection.refuseWhileReading(with: { rawRefusal(refusal, of: $0) }) else { return false }
        departures.add(dup(connection.socket), deadline: deadline(limits.lingerSeconds))
        return true
    }

    private func deadline(_ seconds: Int) -> Int64 { Clock.monotonicMilliseconds() + Int64(seconds) * 1000 }
}
