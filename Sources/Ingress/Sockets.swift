// The few system calls on client sockets that the ingress makes itself.
import Glibc

/// Sends what fits without waiting, and says that nothing more will come.
func sendAndHalfClose(_ socket: Int32, _ bytes: [UInt8]) {
    // A refusal is far smaller than a socket's buffer; a client that has filled it up reads nothing anyway.
    _ = unsafe bytes.withUnsafeBytes { bytes in
        unsafe send(socket, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    }
    shutdown(socket, Int32(SHUT_WR))
}

/// True as well when the peer has only closed its sending side.
func peerHasClosed(_ socket: Int32) -> Bool {
    // POLLRDHUP, which Glibc hides behind _GNU_SOURCE.
    var entry = pollfd(fd: socket, events: 0x2000, revents: 0)
    return unsafe poll(&entry, 1, 0) > 0
}

/// Whether all that the peer ever sent has been read, and it sends no more.
func nothingMoreToRead(_ socket: Int32) -> Bool {
    var byte: UInt8 = 0
    return unsafe recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 0
}

/// How long ago the peer's last data arrived, as the kernel counts it.
func millisecondsSinceLastByte(_ socket: Int32) -> Int64? {
    var info = tcp_info()
    var size = socklen_t(MemoryLayout<tcp_info>.size)
    guard unsafe getsockopt(socket, Int32(IPPROTO_TCP), TCP_INFO, &info, &size) == 0 else { return nil }
    return Int64(info.tcpi_last_data_recv)
}

/// Reads and drops what has arrived, a bounded share of it. False when the peer is done or gone.
func drain(_ socket: Int32) -> Bool {
    unsafe withUnsafeTemporaryAllocation(byteCount: 32 << 10, alignment: 16) { buffer in
        for _ in 0..<32 {
            let count = unsafe recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 { continue }
            return count < 0 && (errno == EAGAIN || errno == EINTR)
        }
        return true
    }
}
