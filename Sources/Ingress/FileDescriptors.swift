// Debian gives a process 1024 file descriptors unless it asks for more; each connection takes one.
import Glibc

/// Room for what else the process has open: SQLite files, Kafka connections, logs.
private let descriptorsBeside = 512

func allowFileDescriptors(for limits: IngressLimits) throws(IngressError) {
    let needed = limits.connectionsMax + descriptorsBeside
    var limit = rlimit()
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard unsafe getrlimit(kind, &limit) == 0, limit.rlim_cur < UInt(needed) else { return }
    guard limit.rlim_max >= UInt(needed) else {
        throw .tooFewFileDescriptors(needed: needed, allowed: Int(limit.rlim_max))
    }
    limit.rlim_cur = UInt(needed)
    _ = unsafe setrlimit(kind, &limit)
}
