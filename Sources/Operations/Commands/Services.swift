// `order`, `customer`, …: one process of one service. And `gateway` and `broker`: the processes beside them.
import Broker
import Contract
import Gateway
import Platform
import Worker

enum Services {
    private static let instanceOption = Command.Option.value(
        "instance", "NAME", "its name in the group and in the transactions (default INSTANCE, else the host name)")

    static func commands(_ system: SystemDescription) -> [Command] {
        system.services.map(worker) + [gateway, broker]
    }

    // MARK: - Workers

    private static func worker(_ program: SystemDescription.Program) -> Command {
        let name = program.contract.name
        return Command(
            name: name, summary: "Run one process of the service: \(program.contract.summary)",
            options: [
                instanceOption,
                .value("data-dir", "DIR", "where its shard files are (default DATA_DIR, else .run/data/INSTANCE)"),
            ], example: "\(name) --instance \(name)-0", run: { try work($0, program) })
    }

    private static func work(_ call: Invocation, _ program: SystemDescription.Program) throws -> Int32 {
        let name = program.contract.name
        let instance = try instance(call, "\(name)-0")
        let directory = directory(call, instance: instance)
        // What makes no sense now will make none after a restart: told before anything starts, with exit status 2.
        let service = try SettingsCheck.worker(program, call.settings)
        try FileSystem.makeDirectories(directory)
        return WorkerProcess.run(
            service: service, system: call.system.contract, instance: instance, directory: directory,
            settings: call.settings, beside: program.contract.ownPort == nil ? nil : edge(program.contract, directory))
    }

    /// The entrance of a service that has a port of its own, in its worker's process.
    private static func edge(_ contract: ServiceContract, _ directory: String) -> WorkerProcess.Companion {
        { context in
            let zombie = ZombieSwitch()
            return try OwnEdge.start(contract, beside: context, local: zombie.routes) {
                guard let beat = Heartbeat(path: directory + "/health") else { return "no sign of life yet" }
                return beat.isReady ? nil : beat.reason
            }
        }
    }

    /// Where the shard files of an instance are.
    static func directory(_ call: Invocation, instance: String) -> String {
        call.value("data-dir") ?? call.settings.text("DATA_DIR") ?? RunDirectory(call).data(instance)
    }

    static func instance(_ call: Invocation, _ fallback: String) throws -> String {
        let instance = call.value("instance") ?? call.settings.text("INSTANCE") ?? Machine.name() ?? fallback
        // It becomes part of file names and of names inside Kafka.
        guard !instance.isEmpty, instance.utf8.count <= 200,
            instance.utf8.allSatisfy({ isPlain($0) }), instance != ".", instance != ".."
        else {
            throw UsageError("the instance is named '\(instance)', expected letters, digits, '.', '_' and '-'")
        }
        return instance
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    // MARK: - Gateway and broker

    private static let gateway = Command(
        name: LocalSystem.gateway, summary: "Run the gateway: HTTP in, requests to the services out",
        options: [instanceOption], example: "gateway --instance gateway-0"
    ) { call in
        let instance = try instance(call, "gateway-0")
        try SettingsCheck.gateway(call.settings)
        return GatewayProcess.run(system: call.system.contract, instance: instance, settings: call.settings)
    }

    private static let broker = Command(
        name: "broker", summary: "Run the embedded broker, for one machine",
        options: [
            .value("dir", "DIR", "where its data is"),
            .value("port", "N", "where it listens; 0 takes a free one and keeps it (default 0)"),
        ], example: "broker --dir /tmp/broker --port 9092"
    ) { call in
        guard let directory = call.value("dir") else { throw UsageError("missing --dir DIR: where its data is") }
        let port = try call.integer("port", in: 0...65_535) ?? 0
        try Log.start(settings: call.settings, context: ["service": "broker", "instance": "broker-0"])
        return BrokerProcess.run(directory: directory, port: UInt16(port), settings: call.settings)
    }
}
