// A port nobody listens on.
import Foundation

public enum SocketFailed: Error { case errno(Int32) }

/// Somebody else may take it before it is used, which no test has met: the range is wide. It is one from which the system
/// gives no ports to outgoing connections: they would take the port of a server that is being restarted.
public func freePort() throws -> Int {
    for _ in 0..<100 {
        let port = UInt16.random(in: 10_000..<32_768)
        if try isFree(port) { return Int(port) }
    }
    throw SocketFailed.errno(EADDRINUSE)
}

private func isFree(_ port: UInt16) throws -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw SocketFailed.errno(errno) }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
            bind(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
