// How long to wait before a process that ended is started again.
import Platform

struct Backoff: Sendable {
    static let firstMilliseconds: Int64 = 100
    static let lastMilliseconds: Int64 = 5_000
    static let healthyMilliseconds: Int64 = 10_000

    /// A process that lived so long was well: the next end is a new story.
    let healthyMilliseconds: Int64
    private var next = firstMilliseconds

    init(healthyMilliseconds: Int64 = Self.healthyMilliseconds) { self.healthyMilliseconds = healthyMilliseconds }

    init(_ settings: Settings) throws(SettingsError) {
        healthyMilliseconds = try settings.integer(
            "RESTART_HEALTHY_MS", default: Self.healthyMilliseconds, in: 0...3_600_000)
    }

    mutating func delay(afterLiving milliseconds: Int64) -> Int64 {
        if milliseconds >= healthyMilliseconds { next = Self.firstMilliseconds }
        defer { next = min(next * 2, Self.lastMilliseconds) }
        return next
    }
}
