// A moment by which something has to be done; librdkafka's own timeouts may return early (#4970).

internal import Platform

struct Deadline {
    private let end: Int64

    init(milliseconds: Int32) {
        end = Clock.monotonicMilliseconds() + Int64(milliseconds)
    }

    var isOver: Bool { Clock.monotonicMilliseconds() >= end }
    /// At least 1: zero and less have meanings of their own in the library.
    var remainingMilliseconds: Int32 { Int32(clamping: max(1, end - Clock.monotonicMilliseconds())) }
}
