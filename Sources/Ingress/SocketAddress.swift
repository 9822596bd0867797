// An IPv4 or IPv6 address with its port, as the socket calls want it.
import Glibc

struct SocketAddress {
    private var storage = sockaddr_storage()
    private var size = socklen_t(MemoryLayout<sockaddr_storage>.size)

    /// From a numeric address; names are not looked up.
    init?(_ text: String, port: UInt16) {
        var four = sockaddr_in()
        var six = sockaddr_in6()
        if unsafe inet_pton(AF_INET, text, &four.sin_addr) == 1 {
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = port.bigEndian
            size = socklen_t(MemoryLayout<sockaddr_in>.size)
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: four, as: sockaddr_in.self) }
        } else if unsafe inet_pton(AF_INET6, text, &six.sin6_addr) == 1 {
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = port.bigEndian
            size = socklen_t(MemoryLayout<sockaddr_in6>.size)
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: six, as: sockaddr_in6.self) }
        } else {
            return nil
        }
    }

    private init() {}

    var family: Int32 { Int32(storage.ss_family) }

    var port: UInt16 {
        switch family {
        case AF_INET: UInt16(bigEndian: four.sin_port)
        case AF_INET6: UInt16(bigEndian: six.sin6_port)
        default: 0
        }
    }

    /// The numeric text; an IPv4 client of an IPv6 socket shows as the IPv4 address it is.
    var host: String {
        var four = four.sin_addr
        var six = six.sin6_addr
        let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            let written =
                family == AF_INET
                ? unsafe inet_ntop(AF_INET, &four, buffer.baseAddress, socklen_t(buffer.count))
                : unsafe inet_ntop(AF_INET6, &six, buffer.baseAddress, socklen_t(buffer.count))
            return unsafe written.map { unsafe String(cString: $0) } ?? ""
        }
        return text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
    }

    private var four: sockaddr_in { unsafe withUnsafeBytes(of: storage) { unsafe $0.load(as: sockaddr_in.self) } }
    private var six: sockaddr_in6 { unsafe withUnsafeBytes(of: storage) { unsafe $0.load(as: sockaddr_in6.self) } }

    mutating func bind(_ socket: Int32) -> Int32 {
        unsafe withGeneric { address, size in unsafe Glibc.bind(socket, address, size.pointee) }
    }

    static func local(of socket: Int32) -> SocketAddress? {
        var address = SocketAddress()
        let result = unsafe address.withGeneric { pointer, size in unsafe getsockname(socket, pointer, size) }
        return result == 0 ? address : nil
    }

    /// Accepts a connection, non-blocking and closed on exec; negative results have set errno.
    static func accept(from listener: Int32) -> (socket: Int32, address: SocketAddress) {
        var address = SocketAddress()
        let socket = unsafe address.withGeneric { pointer, size in unsafe Glibc.accept(listener, pointer, size) }
        // accept4(2), which would do it in one call, is hidden behind _GNU_SOURCE.
        if socket >= 0 {
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            _ = fcntl(socket, F_SETFL, O_NONBLOCK)
        }
        return (socket, address)
    }

    /// The address as the pointer pair of the socket calls.
    mutating func withGeneric<Result>(
        _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
    ) -> Result {
        unsafe withUnsafeMutablePointer(to: &storage) { storage in
            unsafe withUnsafeMutablePointer(to: &size) { size in
                unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, size) }
            }
        }
    }
}
