// A Kafka client small enough to send what no real client would.
import Foundation
import TestSupport

@testable import Broker

final class RawClient {
    struct Closed: Error {}
    private var descriptor: Int32
    private var correlation: Int32 = 0
    var clientId = "raw"

    init(bootstrap: String, receiveSeconds: Int = 30) throws {
        let port = UInt16(bootstrap.split(separator: ":").last ?? "") ?? 0
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard connected else {
            Glibc.close(descriptor)
            throw Failed("no connection to \(bootstrap)")
        }
        var patience = timeval(tv_sec: receiveSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Waits until the broker has taken everything sent so far from its socket: what another client sends afterwards
    /// comes later. The kernel knows what lies unread at the other end.
    func awaitTaken() throws {
        let mine = localAddress(descriptor, getsockname)
        let theirs = localAddress(descriptor, getpeername)
        try eventually(timeout: 10, "the broker's reading") {
            // number, local address, remote address, state, unsent:unread
            let sockets = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap(lines).map { $0.split(separator: " ") }
            func queue(_ local: String, _ remote: String) -> Substring? {
                sockets.first { $0.count > 4 && $0[1].hasSuffix(local) && $0[2].hasSuffix(remote) }?[4]
            }
            return queue(mine, theirs)?.hasPrefix("00000000:") == true
                && queue(theirs, mine)?.hasSuffix(":00000000") == true
        }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    // MARK: Frames

    func send(raw bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let sent = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw Closed() }
            done += sent
        }
    }

    private func receive(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + done, count - done, 0) }
            if got == 0 { throw Closed() }
            if got < 0 {
                if errno == ECONNRESET { throw Closed() }
                throw Failed("no answer: \(String(cString: strerror(errno)))")
            }
            done += got
        }
        return bytes
    }

    func receiveFrame() throws -> [UInt8] {
        let size = Int(bigEndian(try receive(4), 0, 4))
        return try receive(size)
    }

    func send(
        _ api: Int16, _ version: Int16, flexibleFrom: Int16? = nil, _ body: (inout ByteWriter) -> Void = { _ in }
    ) throws {
        correlation += 1
        let flexible = version >= flexibleFrom ?? Api.table[api]?.flexibleFrom ?? Int16.max
        var writer = ByteWriter()
        writer.int32(0)
        writer.int16(api)
        writer.int16(version)
        writer.int32(correlation)
        writer.nullableString(clientId)
        writer.flexible = flexible
        writer.endStructure()
        body(&writer)
        writer.patch32(at: 0, Int32(writer.bytes.count - 4))
        try send(raw: writer.bytes)
    }

    func receiveAnswer(_ api: Int16, _ version: Int16) throws -> ByteReader {
        var reader = ByteReader(try receiveFrame())
        let got = try reader.int32()
        guard got == correlation else { throw Failed("answer \(got) to request \(correlation)") }
        reader.flexible = version >= Api.table[api]?.flexibleFrom ?? Int16.max
        if api != ApiKey.apiVersions { try reader.endStructure() }
        return reader
    }

    func call(_ api: Int16, _ version: Int16, _ body: (inout ByteWriter) -> Void = { _ in }) throws -> ByteReader {
        try send(api, version, body)
        return try receiveAnswer(api, version)
    }

    /// Repeats a call while the broker says that it is not ready for it yet.
    func steadily(_ body: () throws -> Int16) throws -> Int16 {
        let loading: Set<Int16> = [14, 15, 16, 51]
        var code: Int16 = 0
        try eventually(timeout: 20, "the coordinator", every: 20) {
            code = try body()
            return !loading.contains(code)
        }
        return code
    }
}

private func lines(_ path: String) -> [Substring] {
    let content = FileHandle(forReadingAtPath: path)?.readDataToEndOfFile() ?? Data()
    return String(decoding: content, as: UTF8.self).split(separator: "\n")
}

/// One end of a connection as /proc/net/tcp writes it.
private func localAddress(
    _ descriptor: Int32, _ name: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
) -> String {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = name(descriptor, $0, &length) }
    }
    return String(format: "%08X:%04X", address.sin_addr.s_addr, UInt16(bigEndian: address.sin_port))
}
