// An HTTP/1.1 server over libmicrohttpd. A handler gets a whole request and answers when it can, from any thread.
import Platform
import Synchronization

public final class HTTPServer: Sendable {
    /// The port listened on, also when 0 was asked for.
    public let port: UInt16

    private let reception: Reception
    private let daemon: MicroHTTPD
    private let door: Door
    private let stopped = Atomic(false)
    /// How long answers may take to leave once nothing is waited for any more.
    private static let flushMilliseconds: Int64 = 500

    /// Listens at once.
    /// - Parameters:
    ///   - refuse: is told of everything the ingress refuses by itself, with what was read of the request, and renders
    ///     the answer; called on its threads, so it must not block.
    ///   - handler: called on the one polling thread, which serves all connections: it must not block.
    public init(
        address: String = "127.0.0.1", port: UInt16, limits: IngressLimits = IngressLimits(),
        refuse: @escaping @Sendable (Refusal, RequestHead) -> HTTPResponse = { refusal, _ in refusal.problem },
        handler: @escaping @Sendable (Exchange) -> Void
    ) throws(IngressError) {
        try FileDescriptors.allow(limits)
        let listener = try Listener(address: address, port: port)
        let reception = Reception(limits: limits, refuse: refuse, handler: handler)
        let daemon: MicroHTTPD
        do {
            daemon = try MicroHTTPD(reception: reception)
        } catch {
            listener.close()
            throw error
        }
        self.port = listener.port
        self.reception = reception
        self.daemon = daemon
        door = Door(reception: reception, daemon: daemon, listener: listener.socket)
        door.open()
    }

    deinit { stop(graceMilliseconds: 0) }

    public var openConnections: Int { reception.connections.count }

    /// Takes no more connections; those that are there are served, and closed after their next answer.
    public func quiesce() { door.quiesce() }

    /// Waits so long for the answers under way, gives 503 to the requests that still wait, and closes everything.
    /// Not from the handler, whose thread this ends.
    public func stop(graceMilliseconds: Int) {
        guard !stopped.exchange(true, ordering: .sequentiallyConsistent) else { return }
        quiesce()
        waitUntilUnbusy(milliseconds: Int64(graceMilliseconds))
        // From here on nothing is suspended; what is already gets its answer. The daemon aborts the process when it
        // is stopped with a connection suspended.
        reception.close()
        waitUntilUnbusy(milliseconds: Self.flushMilliseconds)
        door.stop()
        daemon.stop()
        reception.connections.removeAll()
    }

    private func waitUntilUnbusy(milliseconds: Int64) {
        let bell = Wake()
        let deadline = Clock.monotonicMilliseconds() + milliseconds
        while reception.isBusy, Clock.monotonicMilliseconds() < deadline { bell.wait(milliseconds: 5) }
    }
}
