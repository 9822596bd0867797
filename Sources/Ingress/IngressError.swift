// Why a server could not start, in words an operator can act on.

public enum IngressError: Error, Equatable, CustomStringConvertible {
    case portInUse(address: String, port: UInt16)
    case notAnAddress(String)
    case cannotListen(address: String, port: UInt16, reason: String)
    case tooFewFileDescriptors(needed: Int, allowed: Int)
    case cannotStart(reason: String)

    public var description: String {
        switch self {
        case .portInUse(let address, let port):
            "port \(port) of \(address) is in use by another process"
        case .notAnAddress(let text):
            "'\(text)' is not a numeric IPv4 or IPv6 address to listen on"
        case .cannotListen(let address, let port, let reason):
            "cannot listen on port \(port) of \(address): \(reason)"
        case .tooFewFileDescriptors(let needed, let allowed):
            "INGRESS_CONNECTIONS_MAX needs \(needed) file descriptors, this process may have \(allowed) (ulimit -n)"
        case .cannotStart(let reason):
            "the HTTP daemon did not start: \(reason)"
        }
    }
}
