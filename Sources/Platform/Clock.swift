// The two clocks a process needs: wall time for what leaves it, monotonic time for what it measures.
import Glibc

public enum Clock {
    /// Milliseconds since 1970; jumps when an operator sets the clock, so never used to measure.
    public static func wallMilliseconds() -> Int64 { read(CLOCK_REALTIME) / 1_000_000 }

    /// Milliseconds since boot; only differences mean anything.
    public static func monotonicMilliseconds() -> Int64 { read(CLOCK_MONOTONIC) / 1_000_000 }

    public static func monotonicMicroseconds() -> Int64 { read(CLOCK_MONOTONIC) / 1_000 }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // Only the address of a local is passed, and both clocks always exist.
        _ = unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// A moment of wall time taken apart in UTC.
public struct UTCTime: Sendable, Equatable {
    public let year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, millisecond: Int

    public init(wallMilliseconds: Int64) {
        let (days, inDay) = wallMilliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        // Days to a civil date by 400-year eras that begin on 1 March, so that the leap day ends a year.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
        month = Int(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9)
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
        hour = Int(inDay / 3_600_000)
        minute = Int(inDay / 60_000 % 60)
        second = Int(inDay / 1000 % 60)
        millisecond = Int(inDay % 1000)
    }

    /// `20261121130333`, the form of the seeds' events.
    public var compact: String {
        text { text in
            for (number, width) in [(year, 4), (month, 2), (day, 2), (hour, 2), (minute, 2), (second, 2)] {
                Self.write(number, width, to: &text)
            }
        }
    }

    /// `2026-11-21T13:03:33.042Z`, as RFC 3339 has it.
    public var rfc3339: String { text { writeRFC3339(to: &$0) } }

    /// The same into a buffer: each line of a log begins with it.
    func writeRFC3339(to text: inout [UInt8]) {
        for (number, width, mark) in [
            (year, 4, "-"), (month, 2, "-"), (day, 2, "T"), (hour, 2, ":"), (minute, 2, ":"), (second, 2, "."),
            (millisecond, 3, "Z"),
        ] as [(Int, Int, Unicode.Scalar)] {
            Self.write(number, width, to: &text)
            text.append(UInt8(ascii: mark))
        }
    }

    private func text(_ write: (inout [UInt8]) -> Void) -> String {
        var text: [UInt8] = []
        write(&text)
        return String(decoding: text, as: UTF8.self)
    }

    /// At least so many digits.
    private static func write(_ number: Int, _ width: Int, to text: inout [UInt8]) {
        if width > 1 || number > 9 { write(number / 10, width - 1, to: &text) }
        text.append(UInt8(truncatingIfNeeded: 0x30 + number % 10))
    }
}

public enum Pause {
    public static func milliseconds(_ milliseconds: Int64) { usleep(UInt32(clamping: milliseconds * 1_000)) }
}
