// SIGTERM and SIGINT as a flag and a bell, instead of a handler that may do next to nothing.
import Glibc
public import Platform
import Synchronization

public final class StopSignal: Sendable {
    /// Exit status of a process that did not stop in time.
    public static let lateStatus: Int32 = 71
    private let requested = Atomic<Bool>(false)
    private let patience = Atomic<Int64>(0)
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
            endWhenLate()
        }
    }

    /// From the signal on the process has so long. Whatever it then still waits for, it may be left alone: to Kafka the end
    /// looks like that of a process that was killed.
    func endsProcess(afterMilliseconds milliseconds: Int64) { patience.store(milliseconds, ordering: .relaxed) }

    private func endWhenLate() {
        let milliseconds = patience.load(ordering: .relaxed)
        guard milliseconds > 0 else { return }
        Pause.milliseconds(milliseconds)
        Log.error("did not stop in time, ending the process", ["milliseconds": LogValue(milliseconds)])
        _exit(Self.lateStatus)
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
