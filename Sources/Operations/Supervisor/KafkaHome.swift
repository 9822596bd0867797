// A Kafka distribution as a broker for one machine: a KRaft node that is broker and controller, formatted once.
import Glibc
import Platform

struct KafkaHome: Sendable {
    let address: Address
    private let home: String
    private let properties: String
    private let environment: [String: String]

    static func startScript(_ home: String) -> String { home + "/bin/kafka-server-start.sh" }

    /// Writes the properties and formats the storage the first time; later the same data, ports and cluster id serve.
    init(_ home: String, data: String, settings: Settings) throws {
        let home = FileSystem.absolute(home)
        self.home = home
        properties = data + "/server.properties"
        environment = [
            "KAFKA_HEAP_OPTS": settings.text("KAFKA_HEAP_OPTS", default: "-Xms256m -Xmx512m"),
            "LOG_DIR": settings.text("LOG_DIR", default: data + "/logs"),
        ]
        try FileSystem.makeDirectories(data)
        if let written = FileSystem.readText(data + "/bootstrap").flatMap({ Address(String($0.prefix { $0 != "\n" })) })
        {
            address = written
            return
        }
        address = try Address(host: "127.0.0.1", port: Port.free())
        let controller = try Address(host: "127.0.0.1", port: Port.free())
        try FileSystem.replace(
            properties, with: KRaftProperties.text(broker: address, controller: controller, data: data))
        try format(data, settings)
        try FileSystem.replace(data + "/bootstrap", with: "\(address)\n")
    }

    func program(instance: String) -> Program {
        Program(
            instance: instance, service: "broker", tier: .broker, executable: Self.startScript(home),
            arguments: [properties],
            environment: environment, readiness: .listens(address), liveness: nil, place: address.description)
    }

    private func format(_ data: String, _ settings: Settings) throws {
        let log = data + "/format.log"
        let pid = try ChildProcess.spawn(
            home + "/bin/kafka-storage.sh",
            ["format", "--standalone", "-t", Self.clusterID(), "-c", properties],
            environment: settings.all.merging(environment) { _, new in new }, logFile: log)
        var raw: Int32 = 0
        while unsafe waitpid(pid, &raw, 0) < 0 && errno == EINTR {}
        guard ExitStatus(raw: raw).code == 0 else {
            throw Failure(
                "kafka-storage.sh could not format \(data):\n  "
                    + FileSystem.tail(log, lines: 5).joined(separator: "\n  "))
        }
    }

    /// Sixteen random bytes in base64url, as Kafka writes them: 22 letters.
    private static func clusterID() -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        // The last letter holds two bits of the 128; the first is no hyphen, which would read as an option.
        let middle = (0..<20).map { _ in letters[Int.random(in: 0..<64)] }
        return String([letters[Int.random(in: 0..<62)]] + middle + [letters[Int.random(in: 0..<4) * 16]])
    }
}
