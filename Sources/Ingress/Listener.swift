// The listening socket, and the address for it.
import Glibc
public import Platform

struct Listener {
    let socket: Int32
    let port: UInt16

    init(address: String, port: UInt16) throws(IngressError) {
        guard var place = SocketAddress(address, port: port) else { throw .notAnAddress(address) }
        let descriptor = Glibc.socket(
            place.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .cannotListen(address: address, port: port, reason: errorText(errno)) }
        var on: Int32 = 1
        // Connections of a predecessor that are still dying must not keep its successor from the port.
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, 4)
        guard place.bind(descriptor) == 0, listen(descriptor, SOMAXCONN) == 0 else {
            let failure = errno
            _ = Glibc.close(descriptor)
            guard failure == EADDRINUSE else {
                throw .cannotListen(address: address, port: port, reason: errorText(failure))
            }
            throw .portInUse(address: address, port: port)
        }
        socket = descriptor
        self.port = SocketAddress.local(of: descriptor)?.port ?? port
    }

    func close() { _ = Glibc.close(socket) }
}

public enum ListenAddress {
    private static let variable = "LISTEN_ADDRESS"

    /// Tried out with any port: an address this machine does not have is a mistake to tell of at the start, and no other
    /// start will mend it.
    public static func fromSettings(_ settings: Settings) throws(SettingsError) -> String {
        let address = settings.text(variable, default: "127.0.0.1")
        do throws(IngressError) {
            try Listener(address: address, port: 0).close()
        } catch {
            throw SettingsError(variable, "is '\(address)', \(problem(error))")
        }
        return address
    }

    private static func problem(_ error: IngressError) -> String {
        switch error {
        case .cannotListen(_, _, let reason): "where this machine cannot listen: \(reason)"
        default: "expected a numeric IPv4 or IPv6 address of this machine; names are not looked up"
        }
    }
}

func errorText(_ code: Int32) -> String {
    // strerror(3) gives a string that lives on, for the codes of the system.
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
