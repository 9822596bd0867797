// The clock by which librdkafka's main thread announces the partitions of a transaction. The library waits a millisecond
// after a transaction's first record, spinning, in case more partitions follow (#4671). Who knows that none will follow
// moves the clock of that one thread ahead (docs/decisions/0023-a-clock-in-a-hurry.md).

internal import CHastyClock
internal import CRdKafka

/// `@unchecked Sendable`: a single atomic flag, which the worker's thread sets and the library's main thread reads.
@safe final class HastyClock: @unchecked Sendable {
    private let clock: OpaquePointer

    init() { unsafe clock = hasty_clock_new() }

    /// The handle's threads have ended by now, as it is closed before it lets go of this.
    deinit { unsafe hasty_clock_free(clock) }

    func hurry(_ isInAHurry: Bool) { unsafe hasty_clock_hurry(clock, isInAHurry ? 1 : 0) }

    /// The main thread of a handle that is made from this configuration will follow this clock.
    func lead(_ configuration: OpaquePointer) {
        _ = unsafe rd_kafka_conf_interceptor_add_on_new(
            configuration, interceptorName, handleMade, UnsafeMutableRawPointer(clock))
    }
}

private let interceptorName = "hasty-clock"

/// Called by `rd_kafka_new`, before it starts its threads.
private func handleMade(
    _ handle: OpaquePointer?, _ configuration: OpaquePointer?, _ clock: UnsafeMutableRawPointer?,
    _ error: UnsafeMutablePointer<CChar>?, _ errorSize: Int
) -> rd_kafka_resp_err_t {
    unsafe rd_kafka_interceptor_add_on_thread_start(handle, interceptorName, threadStarted, clock)
}

/// Called by each thread of the library as it starts.
private func threadStarted(
    _ handle: OpaquePointer?, _ kind: rd_kafka_thread_type_t, _ name: UnsafePointer<CChar>?,
    _ clock: UnsafeMutableRawPointer?
) -> rd_kafka_resp_err_t {
    if kind == RD_KAFKA_THREAD_MAIN { unsafe hasty_clock_follow(clock.map { OpaquePointer($0) }) }
    return RD_KAFKA_RESP_ERR_NO_ERROR
}
