// The loopback sockets of the broker: one that listens and those it accepts, none of which ever blocks.
import CPlatform
import Glibc
import Platform

enum Sockets {
    enum Accepted {
        case connection(Int32)
        case nobody
        /// Out of descriptors: somebody waits, but cannot be let in now.
        case exhausted
    }
    enum Received {
        case bytes(Int)
        case nothingYet
        case ended
    }

    /// Listens on a port of 127.0.0.1 that nobody else is given while this broker is away.
    static func listenAnywhere(backlog: Int32) throws(StorageError) -> (descriptor: Int32, port: UInt16) {
        if let listener = QuietPort.first({ try? listen(port: $0, backlog: backlog) }) { return listener }
        return try listen(port: 0, backlog: backlog)
    }

    /// Listens on 127.0.0.1; port 0 lets the system choose. Returns the descriptor and the port it got.
    static func listen(port: UInt16, backlog: Int32) throws(StorageError) -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(
            AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw StorageError("make", "a socket") }
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // The socket calls take any kind of address through one pointer type; the length says which it is.
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(descriptor, generic, length) == 0 && Glibc.listen(descriptor, backlog) == 0
                    && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard bound else {
            let error = StorageError("listen on", "127.0.0.1:\(port)")
            close(descriptor)
            throw error
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// The next waiting connection.
    static func accept(_ listener: Int32) -> Accepted {
        let descriptor = cplatform_accept(listener)
        guard descriptor >= 0 else { return errno == EMFILE || errno == ENFILE ? .exhausted : .nobody }
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        return .connection(descriptor)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    static func receive(_ descriptor: Int32, into buffer: inout [UInt8]) -> Received {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count > 0 { return .bytes(count) }
        return count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothingYet : .ended
    }

    /// How many bytes went out; nil when the connection is broken.
    static func send(_ descriptor: Int32, _ bytes: [UInt8], from start: Int, more: Bool) -> Int? {
        precondition(start <= bytes.count)
        let flags = Int32(MSG_NOSIGNAL) | (more ? Int32(MSG_MORE) : 0)
        let count = unsafe bytes.withUnsafeBytes { content in
            unsafe Glibc.send(descriptor, content.baseAddress! + start, content.count - start, flags)
        }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }

    /// Sends a stretch of a file from the page cache. Nil when the connection or the file is broken.
    static func send(_ descriptor: Int32, _ slice: FileSlice, from start: Int) -> Int? {
        var offset = off_t(slice.offset + start)
        let count = unsafe sendfile(descriptor, slice.file.descriptor, &offset, slice.length - start)
        if count > 0 { return count }
        return count < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : nil
    }
}
