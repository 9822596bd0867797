// Signals as values: blocked everywhere, waited for in one place, so that nothing runs in a signal handler.
import Glibc

struct Signals {
    private var set = sigset_t()

    /// Blocks these signals for this thread and those it starts.
    init(blocking signals: [Int32]) {
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Sleeps until one of them arrives, at most so long; nil when time is up.
    mutating func wait(milliseconds: Int64) -> Int32? {
        var limit = timespec(
            tv_sec: Int(max(0, milliseconds) / 1000), tv_nsec: Int(max(0, milliseconds) % 1000 * 1_000_000))
        let signal = unsafe sigtimedwait(&set, nil, &limit)
        return signal > 0 ? signal : nil
    }
}
