// The thread at the door: accepts connections, counts them, and enforces every deadline.
import Glibc
import Platform
import Synchronization

final class Door: Sendable {
    private let reception: Reception
    private let daemon: MicroHTTPD
    private let listener: Int32
    private let bell = Wake()
    private let stopping = Atomic(false)
    private let thread = Mutex<Thread?>(nil)
    /// How often deadlines are looked at, and so how late one may be noticed.
    private static let tickMilliseconds: Int64 = 200
    /// How long no connection is accepted when the process has run out of descriptors.
    private static let exhaustionPauseMilliseconds: Int64 = 200

    /// Takes over the listening socket.
    init(reception: Reception, daemon: MicroHTTPD, listener: Int32) {
        self.reception = reception
        self.daemon = daemon
        self.listener = listener
    }

    func open() {
        let thread = Thread(name: "ingress-door") { self.run() }
        self.thread.withLock { $0 = thread }
    }

    /// Clients that connect from now on are turned away by the kernel.
    func quiesce() {
        reception.quiescing.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
    }

    func stop() {
        stopping.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
        thread.withLock { $0.take() }?.join()
    }

    private func run() {
        var listening = true
        var pausedUntil: Int64 = 0
        var nextTick: Int64 = 0
        while !stopping.load(ordering: .sequentiallyConsistent) {
            if listening, reception.quiescing.load(ordering: .sequentiallyConsistent) {
                close(listener)
                listening = false
            }
            let paused = Clock.monotonicMilliseconds() < pausedUntil
            if sleep(onListener: listening && !paused), !acceptAll() {
                pausedUntil = Clock.monotonicMilliseconds() + Self.exhaustionPauseMilliseconds
            }
            let now = Clock.monotonicMilliseconds()
            // Not at every wake-up: there is one for each new connection, and the work is one for each open one.
            if now >= nextTick {
                enforceDeadlines(now: now)
                nextTick = now + Self.tickMilliseconds
            }
            reception.departures.drainAll(now: now)
        }
        if listening { close(listener) }
        reception.departures.drainAll(now: Int64.max)
    }

    /// Until there is something to do; true when that is a connection to accept.
    private func sleep(onListener: Bool) -> Bool {
        let departing = reception.departures.sockets
        var entries = [
            pollfd(fd: onListener ? listener : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: bell.fileDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        entries += departing.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        // With nobody here there is no deadline either, and the process may sleep.
        let alone = onListener && departing.isEmpty && reception.connections.count == 0
        _ = unsafe poll(&entries, nfds_t(entries.count), alone ? -1 : Int32(Self.tickMilliseconds))
        if entries[1].revents != 0 { bell.clear() }
        return entries[0].revents != 0
    }

    /// False when there are no descriptors left.
    private func acceptAll() -> Bool {
        // A bounded share, so that a flood of connections cannot put off the deadlines.
        for _ in 0..<128 {
            let (socket, address) = SocketAddress.accept(from: listener)
            if socket >= 0 {
                admit(socket, address)
            } else if errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM {
                Log.warning("cannot accept connections", ["error": LogValue(errorText(errno))])
                return false
            } else if errno == EAGAIN {
                return true
            }
        }
        return true
    }

    private func admit(_ socket: Int32, _ address: SocketAddress) {
        let now = Clock.monotonicMilliseconds()
        let timeout = Int64(reception.limits.requestTimeoutSeconds) * 1000
        let connection = Connection(socket: socket, remoteAddress: address.host, deadline: now + timeout)
        if let refusal = reception.connections.add(connection, limits: reception.limits) {
            sendAndHalfClose(socket, reception.rawRefusal(refusal, of: connection.head))
            let linger = Int64(reception.limits.lingerSeconds) * 1000
            reception.departures.add(socket, deadline: now + linger)
        } else if !daemon.add(socket, address: address) {
            reception.connections.remove(connection)
        }
    }

    private func enforceDeadlines(now: Int64) {
        for connection in reception.connections.all {
            let verdict = connection.enforceDeadline(now: now, limits: reception.limits) { head in
                reception.rawRefusal(.slow, of: head)
            }
            if case .forget = verdict { reception.connections.remove(connection) }
        }
    }
}
