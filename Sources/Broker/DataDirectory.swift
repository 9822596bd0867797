// The directory of a broker: its identity, its port and the lock that keeps a second broker out.
import CPlatform
import Glibc
import Platform

/// Why a broker cannot start, in a sentence for the one who started it.
struct BrokerStartError: Error, CustomStringConvertible {
    let description: String
}

final class DataDirectory {
    let clusterId: String
    let lastPort: UInt16
    private let path: String
    private let lock: LogFile

    init(_ path: String) throws {
        self.path = path
        try FileSystem.makeDirectories(path)
        lock = try LogFile(path: path + "/lock", create: true)
        guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw BrokerStartError(description: "another broker uses \(path)")
        }
        if let bytes = FileSystem.read(path + "/cluster-id"), let known = String(validating: bytes, as: UTF8.self),
            !known.isEmpty
        {
            clusterId = known
        } else {
            clusterId = Identifier.hex(bytes: 11)
            try FileSystem.replace(path + "/cluster-id", with: clusterId)
        }
        let announced = FileSystem.read(path + "/bootstrap").flatMap { String(validating: $0, as: UTF8.self) } ?? ""
        let digits = announced.split(separator: ":").last?.prefix { $0.isNumber } ?? ""
        lastPort = UInt16(digits) ?? 0
    }

    /// Lets another broker have the directory.
    func release() { _ = flock(lock.descriptor, LOCK_UN) }

    /// Tells other processes where to connect. What is true already is left alone: a full disk is no reason not to start.
    func announce(port: UInt16) throws(StorageError) {
        let text = "127.0.0.1:\(port)\n"
        guard FileSystem.readText(path + "/bootstrap") != text else { return }
        try FileSystem.replace(path + "/bootstrap", with: text)
    }
}
