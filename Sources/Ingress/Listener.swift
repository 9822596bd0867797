// The listening socket.
import Glibc

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

func errorText(_ code: Int32) -> String {
    // strerror(3) gives a string that lives on, for the codes of the system.
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
