// The processes of a system on one machine: which there are, on which ports, with which files.
import Contract
import Gateway
package import Platform
import Wire

package struct LocalSystem: Sendable {
    package static let gateway = "gateway"

    private let system: SystemDescription
    private let run: RunDirectory
    private let executable: String
    private let settings: Settings
    private let bootstrap: String
    private let host: String

    package init(
        _ system: SystemDescription, run: RunDirectory, executable: String, settings: Settings, bootstrap: String
    ) {
        self.system = system
        self.run = run
        self.executable = executable
        self.settings = settings
        self.bootstrap = bootstrap
        host = Self.host(settings)
    }

    private static func host(_ settings: Settings) -> String {
        let address = settings.text("LISTEN_ADDRESS", default: "127.0.0.1")
        return address == "0.0.0.0" || address == "::" ? "127.0.0.1" : address
    }

    /// The settings under which everybody listens on a port of its own that is free.
    package static func freePorts(_ system: SystemDescription) -> [String: String] {
        let services = system.services.map(\.contract.name) + [gateway]
        return Dictionary(services.map { (Settings.portVariable(of: $0), "0") }, uniquingKeysWith: { $1 })
    }

    /// Where the gateway listens, by the settings of whoever asks.
    static func gatewayAddress(_ settings: Settings) throws(SettingsError) -> Address {
        let port: UInt16 = try settings.integer("GATEWAY_PORT", default: GatewayProcess.defaultPort, in: 0...65_535)
        return Address(host: host(settings), port: port)
    }

    /// The services, each so many times, and the gateway.
    package func programs(_ replicas: Replicas) throws -> [Program] {
        var programs: [Program] = []
        for service in system.services {
            for number in 0..<replicas.count(service.contract.name) {
                programs.append(try worker(service.contract, number))
            }
        }
        for number in 0..<replicas.count(Self.gateway) { programs.append(try gateway(number)) }
        try Self.checkPorts(programs)
        return programs
    }

    /// Each port was free when it was looked at; here, whether two are one.
    private static func checkPorts(_ programs: [Program]) throws(SettingsError) {
        var variables: [String: String] = [:]
        for program in programs where !program.place.isEmpty {
            let variable = program.environment.keys.first { $0.hasSuffix("_PORT") } ?? program.instance
            if let other = variables.updateValue(variable, forKey: program.place) {
                throw SettingsError(variable, "is the port that \(other) is, expected another one")
            }
        }
    }

    private func worker(_ contract: ServiceContract, _ number: Int) throws -> Program {
        let instance = "\(contract.name)-\(number)"
        var environment = ["KAFKA_BOOTSTRAP": bootstrap]
        var place = ""
        var liveness: Address?
        if let ownPort = contract.ownPort {
            let variable = Settings.portVariable(of: contract.name)
            let address = try address(variable, default: ownPort, replica: number)
            environment[variable] = String(address.port)
            place = "http://\(address)"
            liveness = address
        }
        try FileSystem.makeDirectories(run.data(instance))
        return Program(
            instance: instance, service: contract.name, tier: .service, executable: executable,
            arguments: [contract.name, "--instance", instance, "--data-dir", run.data(instance)],
            environment: environment, readiness: .heartbeat(path: run.healthFile(instance)),
            liveness: liveness, place: place)
    }

    private func gateway(_ number: Int) throws -> Program {
        let instance = "\(Self.gateway)-\(number)"
        let address = try address("GATEWAY_PORT", default: GatewayProcess.defaultPort, replica: number)
        return Program(
            instance: instance, service: Self.gateway, tier: .gateway, executable: executable,
            arguments: [Self.gateway, "--instance", instance],
            environment: ["KAFKA_BOOTSTRAP": bootstrap, "GATEWAY_PORT": String(address.port)],
            readiness: .http(address), liveness: nil, place: "http://\(address)")
    }

    /// The first of a kind has the port people know; the others take what is free, and `status` says which.
    private func address(_ variable: String, default known: UInt16, replica: Int) throws -> Address {
        if replica > 0 { return try Address(host: host, port: Port.free()) }
        let port: UInt16 = try settings.integer(variable, default: known, in: 0...65_535)
        if port == 0 { return try Address(host: host, port: Port.free()) }
        guard Port.becomesFree(port) else {
            let owner = Port.owner(port).map { ", taken by \($0)" } ?? ""
            throw Failure("port \(port) is in use\(owner): stop that, or set \(variable) to another port")
        }
        return Address(host: host, port: port)
    }
}
