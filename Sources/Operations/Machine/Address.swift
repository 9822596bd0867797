// host:port of a listener on this machine, and who is in the way when it cannot be had.
import Glibc
package import Platform

package struct Address: Sendable, CustomStringConvertible {
    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// `127.0.0.1:9092`, the first of several that commas separate.
    package init?(_ text: String) {
        guard let first = text.split(separator: ",").first, let colon = first.lastIndex(of: ":"),
            let port = UInt16(first[first.index(after: colon)...]), colon != first.startIndex
        else { return nil }
        // As in URLs, an IPv6 address stands in brackets.
        self.init(host: String(first[..<colon].drop { $0 == "[" }.prefix { $0 != "]" }), port: port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// A connected TCP socket whose reads and writes wait at most so long; nil when nobody answers.
    package func connect(timeoutMilliseconds: Int64) -> Int32? {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, String(port), &hints, &found) == 0, let first = unsafe found else { return nil }
        defer { unsafe freeaddrinfo(first) }
        var next: UnsafeMutablePointer<addrinfo>? = unsafe first
        while let candidate = unsafe next {
            let address = unsafe candidate.pointee
            let descriptor = unsafe socket(
                address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), address.ai_protocol)
            if descriptor >= 0 {
                Self.limit(descriptor, timeoutMilliseconds)
                if unsafe Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return descriptor }
                close(descriptor)
            }
            unsafe next = address.ai_next
        }
        return nil
    }

    package var answers: Bool {
        guard let descriptor = connect(timeoutMilliseconds: 1000) else { return false }
        close(descriptor)
        return true
    }

    private static func limit(_ descriptor: Int32, _ milliseconds: Int64) {
        var time = timeval(tv_sec: Int(milliseconds / 1000), tv_usec: Int(milliseconds % 1000 * 1000))
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
    }
}

package enum Port {
    /// A port nobody listens on now.
    package static func free() throws(SystemError) -> UInt16 {
        guard let port = QuietPort.first(bound) else { throw SystemError("find", "a free port") }
        return port
    }

    package static func isFree(_ port: UInt16) -> Bool { bound(port) != nil }

    /// A process that was killed a moment ago holds its port until the last of its threads is gone, and its descriptors can
    /// no longer be looked at then: a port that is taken by nobody to be seen is waited for.
    package static func becomesFree(_ port: UInt16) -> Bool {
        let deadline = Clock.monotonicMilliseconds() + deathMilliseconds
        while !isFree(port) {
            guard owner(port) == nil, Clock.monotonicMilliseconds() < deadline else { return false }
            Pause.milliseconds(10)
        }
        return true
    }

    private static let deathMilliseconds: Int64 = 3_000

    /// Binds a port of any address for a moment, as a server would, and says which one it was.
    private static func bound(_ port: UInt16) -> UInt16? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // Servers bind so too; without it a port is taken for a minute after its last connection.
        var yes: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // The socket calls take the general type of which sockaddr_in is one.
        return unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general -> UInt16? in
                guard unsafe bind(descriptor, general, size) == 0, listen(descriptor, 1) == 0,
                    unsafe getsockname(descriptor, general, &size) == 0
                else { return nil }
                return unsafe UInt16(bigEndian: pointer.pointee.sin_port)
            }
        }
    }

    /// `nginx (pid 4711)`: who listens there, as far as this user may see it.
    package static func owner(_ port: UInt16) -> String? {
        let sockets = Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap { listeners(port, $0) })
        guard !sockets.isEmpty else { return nil }
        for pid in FileSystem.list("/proc").compactMap({ pid_t($0) }) {
            for descriptor in FileSystem.list("/proc/\(pid)/fd") {
                guard let target = link("/proc/\(pid)/fd/\(descriptor)"), sockets.contains(target) else { continue }
                return "\(ProcessFacts.name(pid) ?? "a process") (pid \(pid))"
            }
        }
        return nil
    }

    /// `socket:[inode]` of those that listen on a port.
    private static func listeners(_ port: UInt16, _ file: String) -> [String] {
        (FileSystem.readText(file) ?? "").split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
                UInt16(fields[1][fields[1].index(after: colon)...], radix: 16) == port
            else { return nil }
            return "socket:[\(fields[9])]"
        }
    }

    /// Where a symbolic link leads.
    package static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink(path, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
}
