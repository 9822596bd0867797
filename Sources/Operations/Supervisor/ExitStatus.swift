// How a process ended.
import Glibc

struct ExitStatus: Sendable, CustomStringConvertible {
    private let raw: Int32

    init(raw: Int32) { self.raw = raw }

    var signal: Int32? { raw & 0x7F == 0 ? nil : raw & 0x7F }
    var code: Int32? { signal == nil ? (raw >> 8) & 0xFF : nil }

    /// Exit status 2: arguments or settings that make no sense, now or the next time.
    var isConfigurationError: Bool { code == 2 }

    var description: String {
        if let signal { "was ended by signal \(signal)" } else { "ended with exit status \(code ?? 0)" }
    }

    /// A child that ended and nobody has looked at yet.
    static func next() -> (pid_t, ExitStatus)? {
        var raw: Int32 = 0
        let pid = unsafe waitpid(-1, &raw, WNOHANG)
        return pid > 0 ? (pid, ExitStatus(raw: raw)) : nil
    }
}
