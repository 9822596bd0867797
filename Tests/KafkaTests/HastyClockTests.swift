import CHastyClock
import Glibc
import Platform
import Synchronization
import Testing

/// The clock that librdkafka's main thread reads (docs/decisions/0023-a-clock-in-a-hurry.md). What `clock_gettime` means here
/// is what it means to every library of the process.
@Suite struct HastyClockTests {
    @Test func inAHurryItMovesAheadWheneverItIsReadByAFewMillisecondsAtMost() throws {
        let truth = offset()
        let leads = follow { hurry in
            hurry(true)
            let ahead = (0..<40).map { _ in offset() - truth }
            hurry(false)
            return ahead + [offset() - truth]
        }
        #expect(leads[0] > 90_000)
        #expect(leads[9] > 990_000, "a millisecond is over after ten looks")
        #expect(leads[39] > 2_990_000 && leads[39] < 3_500_000)
        #expect(leads[40] < 500_000, "then it shows the time again")
    }

    @Test func nobodyElseAndNoOtherClockIsAhead() {
        let truth = offset()
        let calendar = follow { hurry in
            hurry(true)
            return (0..<40).map { _ in abs(Clock.wallMilliseconds() - Int64(time(nil)) * 1_000) }
        }
        #expect(calendar.allSatisfy { $0 < 2_000 })
        #expect(abs(offset() - truth) < 500_000)
    }

    /// Runs something on a thread that follows a clock.
    private func follow(_ body: @escaping @Sendable (_ hurry: (Bool) -> Void) -> [Int64]) -> [Int64] {
        let seen = Seen()
        let thread = Thread(name: "follower") {
            let clock = hasty_clock_new()
            hasty_clock_follow(clock)
            seen.values.withLock { $0 = body { hasty_clock_hurry(clock, $0 ? 1 : 0) } }
            hasty_clock_follow(nil)
            hasty_clock_free(clock)
        }
        thread.join()
        return seen.values.withLock { $0 }
    }
}

private final class Seen: Sendable {
    let values = Mutex<[Int64]>([])
}

/// Nanoseconds from the raw clock, which nobody changes, to the one that may be ahead.
private func offset() -> Int64 {
    func nanoseconds(_ id: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(id, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
    let raw = nanoseconds(CLOCK_MONOTONIC_RAW)
    return nanoseconds(CLOCK_MONOTONIC) - raw
}
