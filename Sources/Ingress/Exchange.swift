// One request waiting for its one answer.
import Synchronization

public final class Exchange: Sendable {
    public let request: HTTPRequest

    private enum State {
        /// The handler runs on the polling thread.
        case inHandler
        /// The handler has returned; the connection sleeps until someone answers.
        case suspended(SuspendedConnection)
        case answered(PreparedResponse)
        /// The answer is on its way, or the connection is gone.
        case over
    }
    private let state = Mutex(State.inHandler)
    private let stopping = Mutex<(@Sendable (Refusal) -> Void)?>(nil)
    private let socket: Int32

    init(request: HTTPRequest, socket: Int32) {
        self.request = request
        self.socket = socket
    }

    /// Sends the answer, from any thread. The first call counts; later ones, and those after the client has gone or
    /// the server was stopped, do nothing.
    public func answer(_ response: HTTPResponse) {
        // Copied here, not on the polling thread, which serves everyone else.
        let prepared = PreparedResponse(response)
        state.withLock { state in
            switch state {
            case .inHandler: state = .answered(prepared)
            case .suspended(let connection):
                state = .answered(prepared)
                // Under the lock: the end of the connection takes it too, so the daemon cannot vanish in mid-call.
                connection.resume()
            case .answered, .over: break
            }
        }
    }

    /// Has `body` answer when the server stops before there is an answer; else the server refuses by itself. It must
    /// answer at once.
    public func whenStopped(_ body: @escaping @Sendable (Refusal) -> Void) { stopping.withLock { $0 = body } }

    /// The server waits no longer.
    func giveUp(_ refusal: Refusal, otherwise refuse: () -> HTTPResponse) {
        if let body = stopping.withLock({ $0 }) { body(refusal) } else { answer(refuse()) }
    }

    /// Whether someone still waits. A client that closed its sending side counts as gone, though its answer would
    /// still be sent: answer in any case, this only tells whether work for it is worth beginning.
    public var isOpen: Bool {
        state.withLock { state in
            switch state {
            // The socket stays open as long as the handler runs or the connection is suspended.
            case .inHandler, .suspended: !peerHasClosed(socket)
            case .answered, .over: false
            }
        }
    }

    /// Takes the answer if there is one, else puts the connection to sleep until there is. Polling thread only.
    func takeAnswer(orSuspend suspend: () -> SuspendedConnection) -> PreparedResponse? {
        state.withLock { state in
            switch state {
            case .inHandler:
                // Under the lock, so that an answer from another thread comes either before this or resumes after.
                state = .suspended(suspend())
                return nil
            case .answered(let response):
                state = .over
                return response
            case .suspended, .over: return nil
            }
        }
    }

    func end() { state.withLock { $0 = .over } }
}
