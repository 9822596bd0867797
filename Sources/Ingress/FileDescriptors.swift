// Debian gives a process 1024 file descriptors unless it asks for more; each connection takes one.
import Glibc

enum FileDescriptors {
    /// Room for what else the process has open: SQLite files, Kafka connections, logs.
    private static let beside = 512
    private static let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    /// The most that this process may ask for.
    static var most: Int {
        var limit = rlimit()
        return unsafe getrlimit(kind, &limit) == 0 ? Int(clamping: limit.rlim_max) : Int.max
    }

    static func needed(for limits: IngressLimits) -> Int { limits.connectionsMax + beside }

    static func allow(_ limits: IngressLimits) throws(IngressError) {
        let needed = needed(for: limits)
        guard needed <= most else { throw .tooFewFileDescriptors(needed: needed, allowed: most) }
        var limit = rlimit()
        guard unsafe getrlimit(kind, &limit) == 0, limit.rlim_cur < UInt(needed) else { return }
        limit.rlim_cur = UInt(needed)
        _ = unsafe setrlimit(kind, &limit)
    }
}
