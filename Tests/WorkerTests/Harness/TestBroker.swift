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
    let directory: String
    /// One of the test's own may be killed.
    let canBeKilled: Bool
    private let port: Int
    private var child: Child?

    /// A broker of the test's own, or the Apache Kafka that all tests share: that one takes seconds to start.
    static func with<R>(_ kind: BrokerKind, private isPrivate: Bool = false, _ body: (TestBroker) throws -> R) throws
        -> R
    {
        let broker = try TestBroker(kind, isPrivate: isPrivate || kind == .embedded)
        defer { broker.end() }
        return try body(broker)
    }

    private init(_ kind: BrokerKind, isPrivate: Bool) throws {
        self.kind = kind
        canBeKilled = isPrivate
        directory = try makeTemporaryDirectory()
        port = try freePort()
        if isPrivate {
            bootstrap = "127.0.0.1:\(port)"
            if kind == .apache { try format() }
            try start()
        } else {
            bootstrap = try ApacheKafka.shared.get().bootstrap
        }
    }

    var settings: KafkaSettings { KafkaSettings(bootstrap: bootstrap) }

    func start() throws {
        let log = directory + "/broker.log"
        switch kind {
        case .embedded:
            child = try Child(
                "bookstore", ["broker", "--dir", directory + "/broker", "--port", String(port)],
                environment: ["LOG_LEVEL": "warning"], log: log)
        case .apache:
            child = try Child(
                "/bin/bash", [kafka("kafka-server-start.sh"), directory + "/server.properties"],
                environment: ["LOG_DIR": directory + "/logs", "KAFKA_HEAP_OPTS": "-Xms128m -Xmx384m"], log: log)
        }
        try eventually(timeout: 180, "the start of the broker, see \(log)", every: 5) {
            if let status = child?.exitStatus { throw Failed("the broker ended with \(status), see \(log)") }
            return isListening(port)
        }
    }

    private func kafka(_ script: String) -> String { (ApacheKafka.home ?? "") + "/bin/" + script }

    private func format() throws {
        let controller = try freePort()
        let properties = ApacheKafka.properties(port: port, controllerPort: controller, directory: directory)
        let path = directory + "/server.properties"
        try properties.write(toFile: path, atomically: true, encoding: .utf8)
        let id = "MkU3OEVBNTcwNTJENDM2Qg"
        let format = try Child(
            "/bin/bash", [kafka("kafka-storage.sh"), "format", "--standalone", "-t", id, "-c", path],
            environment: [:], log: directory + "/format.log")
        guard try format.waitForExit(seconds: 60) == 0 else { throw Failed(format.log) }
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
