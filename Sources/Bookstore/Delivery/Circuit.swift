// A circuit breaker as the originals' Hystrix had it: a call that takes too long opens it, calls are cut short while it
// is open, and after a while one call may try. Each process has its own, as there.
import Platform
import Synchronization

/// The states and times alone. Milliseconds of any clock that only goes forward.
struct CircuitState {
    let openMilliseconds: Int64
    /// Nil while closed.
    private var openUntil: Int64?
    private var isTrying = false

    init(openMilliseconds: Int64) { self.openMilliseconds = openMilliseconds }

    /// Whether a call may go ahead. The first one after the time of an open circuit is the trial; the others go on
    /// being cut for as long again, or until it has succeeded.
    mutating func admit(now: Int64) -> Bool {
        guard let until = openUntil else { return true }
        guard now >= until else { return false }
        openUntil = now + openMilliseconds
        isTrying = true
        return true
    }

    mutating func answered() {
        openUntil = nil
        isTrying = false
    }

    mutating func timedOut(now: Int64) {
        // Calls that were under way when it opened do not hold it open longer.
        guard openUntil == nil || isTrying else { return }
        openUntil = now + openMilliseconds
        isTrying = false
    }
}

final class Circuit: Sendable {
    let timeoutMilliseconds: Int64
    private let state: Mutex<CircuitState>
    private let now: @Sendable () -> Int64

    init(
        timeoutMilliseconds: Int64, openMilliseconds: Int64,
        now: @escaping @Sendable () -> Int64 = Clock.monotonicMilliseconds
    ) {
        self.timeoutMilliseconds = timeoutMilliseconds
        self.now = now
        state = Mutex(CircuitState(openMilliseconds: openMilliseconds))
    }

    convenience init(settings: Settings) throws(SettingsError) {
        self.init(
            timeoutMilliseconds: try settings.integer(
                "DELIVERY_INFO_TIMEOUT_MILLISECONDS", default: 5_000, in: 1...60_000),
            openMilliseconds: try settings.integer(
                "DELIVERY_INFO_CIRCUIT_OPEN_MILLISECONDS", default: 10_000, in: 1...600_000))
    }

    func admit() -> Bool { state.withLock { $0.admit(now: now()) } }
    func answered() { state.withLock { $0.answered() } }
    func timedOut() { state.withLock { $0.timedOut(now: now()) } }
}
