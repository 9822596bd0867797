// The two brokers that everything has to hold on, each as a process of the test's own that may be killed.
import Foundation
import Kafka
import TestSupport
import Testing

enum BrokerKind: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case embedded, apache

    var testDescription: String { rawValue }

    /// Those that this machine has; a suite that runs on Apache Kafka says in its own name that it is skipped.
    static var available: [BrokerKind] { ApacheKafka.isAvailable ? allCases : [.embedded] }
}

/// Whether somebody accepts connections there.
private func isListening(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

final class TestBroker {
    let kind: BrokerKind
    let bootstrap: String
    private let directory: String
    private let port: Int
    private var child: Child?

    /// A private embedded broker, or the Apache Kafka that all tests share.
    static func with<R>(_ kind: BrokerKind, _ body: (TestBroker) throws -> R) throws -> R {
        let broker = try TestBroker(kind)
        defer { broker.end() }
        return try body(broker)
    }

    private init(_ kind: BrokerKind) throws {
        self.kind = kind
        directory = try makeTemporaryDirectory()
        switch kind {
        case .embedded:
            port = try freePort()
            bootstrap = "127.0.0.1:\(port)"
            try start()
        case .apache:
            port = 0
            bootstrap = try ApacheKafka.shared.get().bootstrap
        }
    }

    var settings: KafkaSettings { KafkaSettings(bootstrap: bootstrap) }

    /// The embedded one only: the Apache one is shared, and has its own tests of being killed upstream.
    var canBeKilled: Bool { kind == .embedded }

    func start() throws {
        child = try Child(
            "bookstore", ["broker", "--dir", directory + "/broker", "--port", String(port)],
            environment: ["LOG_LEVEL": "warning"], log: directory + "/broker.log")
        try eventually(timeout: 30, "the start of the broker, see \(directory)/broker.log", every: 5) {
            isListening(port)
        }
    }

    func kill() {
        child?.kill()
        child = nil
    }

    func signal(_ number: Int32) { child?.signal(number) }

    private func end() {
        kill()
        removeDirectory(directory)
    }
}
