// A circuit to one service: opens when it keeps silent, and lets one call try after a while.
struct Breaker {
    enum State: String {
        case closed, open
        case halfOpen = "half-open"
    }

    private let failuresMax: Int
    private let openMilliseconds: Int64
    private var failures = 0
    private var openedAt: Int64?
    private var isProbing = false
    /// When the probe began; one that never ends must not keep the circuit half-open for ever.
    private var probedAt: Int64 = 0

    init(failuresMax: Int, openMilliseconds: Int64) {
        self.failuresMax = failuresMax
        self.openMilliseconds = openMilliseconds
    }

    func state(now: Int64) -> State {
        guard let openedAt else { return .closed }
        return now - openedAt >= openMilliseconds ? .halfOpen : .open
    }

    /// Whether a call may go out now.
    mutating func admits(now: Int64) -> Bool {
        switch state(now: now) {
        case .closed: return true
        case .open: return false
        case .halfOpen:
            if isProbing && now - probedAt < openMilliseconds { return false }
            isProbing = true
            probedAt = now
            return true
        }
    }

    mutating func succeeded() {
        failures = 0
        openedAt = nil
        isProbing = false
    }

    /// True when this time-out opened the circuit.
    mutating func timedOut(now: Int64) -> Bool {
        failures += 1
        guard isProbing || failures >= failuresMax else { return false }
        // Calls that were on their way when it opened do not keep it open any longer.
        guard isProbing || openedAt == nil else { return false }
        isProbing = false
        let wasClosed = openedAt == nil
        openedAt = now
        return wasClosed
    }
}
