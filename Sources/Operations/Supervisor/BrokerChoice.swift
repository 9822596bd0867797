// Which broker a system on this machine runs on: one that is there, a Kafka distribution, or our own.
package import Platform
import Wire

package enum BrokerChoice: Sendable {
    /// `KAFKA_BOOTSTRAP`: somebody else runs it.
    case external(String)
    /// `KAFKA_HOME`: started from there, one KRaft node.
    case kafka(home: String)
    case embedded

    package init(_ settings: Settings) throws(SettingsError) {
        if let bootstrap = settings.text("KAFKA_BOOTSTRAP") {
            _ = try Self.address(bootstrap)
            self = .external(bootstrap)
        } else if let home = settings.text("KAFKA_HOME") {
            guard FileSystem.isExecutable(KafkaHome.startScript(home)) else {
                throw SettingsError("KAFKA_HOME", "is '\(home)', but there is no \(KafkaHome.startScript(home))")
            }
            self = .kafka(home: home)
        } else {
            self = .embedded
        }
    }

    package var name: String {
        switch self {
        case .external(let bootstrap): "the broker at \(bootstrap)"
        case .kafka(let home): "Apache Kafka from \(home)"
        case .embedded: "the embedded broker"
        }
    }

    /// The process to start, if any, and where it will listen. The data of each kind has a place of its own.
    package func program(run: RunDirectory, executable: String, settings: Settings) throws -> (Program?, Address) {
        switch self {
        case .external(let bootstrap): return (nil, try Self.address(bootstrap))
        case .kafka(let home):
            let kafka = try KafkaHome(home, data: run.data("kafka-0"), settings: settings)
            return (kafka.program(instance: Self.instance), kafka.address)
        case .embedded:
            let folder = run.data(Self.instance)
            try FileSystem.makeDirectories(folder)
            let known = FileSystem.readText(folder + "/bootstrap").flatMap { Address(String($0.prefix { $0 != "\n" })) }
            let address = try known ?? Address(host: "127.0.0.1", port: Port.free())
            let program = Program(
                instance: Self.instance, service: "broker", tier: .broker, executable: executable,
                arguments: ["broker", "--dir", folder, "--port", String(address.port)], environment: [:],
                readiness: .listens(address), liveness: nil, place: address.description)
            return (program, address)
        }
    }

    private static func address(_ bootstrap: String) throws(SettingsError) -> Address {
        guard let address = Address(bootstrap) else {
            throw SettingsError("KAFKA_BOOTSTRAP", "is '\(bootstrap)', expected host:port")
        }
        return address
    }

    package static let instance = "broker-0"
}
