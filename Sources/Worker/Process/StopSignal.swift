// SIGTERM and SIGINT as a flag and a bell, instead of a handler that may do next to nothing.
import Glibc
public import Platform
import Synchronization

public final class StopSignal: Sendable {
    private let requested = Atomic<Bool>(false)
    public let wake = Wake()

    public init() {
        var signals = Self.signals()
        // Blocked before any other thread starts, so that all inherit it and only the one below receives them.
        _ = unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)
        _ = Thread(name: "signals") { [self] in
            var awaited = Self.signals()
            var received: Int32 = 0
            _ = unsafe sigwait(&awaited, &received)
            requested.store(true, ordering: .relaxed)
            wake.ring()
        }
    }

    public var isRequested: Bool { requested.load(ordering: .relaxed) }

    private static func signals() -> sigset_t {
        var signals = sigset_t()
        _ = unsafe sigemptyset(&signals)
        _ = unsafe sigaddset(&signals, SIGTERM)
        _ = unsafe sigaddset(&signals, SIGINT)
        return signals
    }
}

/// Raised once by one thread, seen by others.
final class Flag: Sendable {
    private let raised = Atomic<Bool>(false)

    func raise() { raised.store(true, ordering: .releasing) }
    var isRaised: Bool { raised.load(ordering: .acquiring) }
}
