// The gateway from start to end: listens first, waits for Kafka, serves until told to stop.
public import Contract
import Kafka
public import Platform
import Wire
import Worker

extension RequestClient: ShardCaller {}

public struct GatewayProcess {
    /// What the gateway listens on unless `GATEWAY_PORT` says otherwise.
    public static let defaultPort: UInt16 = 8080

    /// Returns the exit status: 0 after SIGTERM, else 1 or 2 for an error that the log names in one line.
    public static func run(system: SystemContract, instance: String, settings: Settings = .process) -> Int32 {
        do {
            try Log.start(settings: settings, context: ["service": "gateway", "instance": LogValue(instance)])
            // First of all: threads started before it would take the signals for themselves.
            let stop = StopSignal()
            return try GatewayProcess(system: system, instance: instance, settings: settings, stop: stop).run()
        } catch {
            let status = SettingsError.exitStatus(of: error)
            Log.error("ended: \(error)", ["status": LogValue(status)])
            return status
        }
    }

    /// Whether the settings make sense: said before anything is connected.
    public static func check(_ settings: Settings) throws(SettingsError) {
        _ = try EdgeOptions.fromSettings(settings, port: try place(settings).port)
    }

    private static func place(_ settings: Settings) throws(SettingsError) -> EdgeServer.Place {
        try EdgeServer.Place(variable: "GATEWAY_PORT", defaultPort: defaultPort, settings: settings)
    }

    private let system: SystemContract
    private let instance: String
    private let settings: Settings
    private let stop: StopSignal

    private func run() throws -> Int32 {
        let place = try Self.place(settings)
        let edge = Edge(
            system: system, services: system.services, instance: instance,
            options: try EdgeOptions.fromSettings(settings, port: place.port))
        let kafka = try KafkaSettings.fromEnvironment(settings)
        // Needed only once Kafka is there, but what is wrong is said now.
        _ = try WorkerLimits(settings)
        let server = try EdgeServer(edge, at: place)
        Log.info("listening", ["port": LogValue(server.port)])
        defer { Log.info("stopped") }
        guard let client = try connect(edge, kafka) else {
            server.stop()
            return 0
        }
        let telemetry = TelemetryReader(
            edge.telemetry, topic: system.topics.telemetry, kafka: kafka, instance: instance)
        Log.info("ready", ["port": LogValue(server.port)])
        while !stop.isRequested { stop.wake.wait(milliseconds: 60_000) }
        Log.info("stopping", ["requestsInFlight": LogValue(edge.requestsInFlight)])
        server.stop()
        telemetry.stop()
        client.stop()
        return 0
    }

    /// Nil when the process is told to stop before Kafka is there.
    private func connect(_ edge: Edge, _ kafka: KafkaSettings) throws -> RequestClient? {
        let waiting = Waiting(stop)
        let services = system.services.map(\.name)
        while true {
            guard
                let facts = try Cluster.waitForTopics(
                    of: system, services: services, kafka: kafka, report: waiting.report)
            else { return nil }
            do {
                let client = try RequestClient(
                    system: system, shards: facts.shards, kafka: kafka, instance: instance, settings: settings)
                edge.connect(client, shards: facts.shards)
                return client
            } catch let error as KafkaError where error.remedy != .fixConfiguration && error.remedy != .giveUp {
                guard waiting.report("Kafka at \(kafka.bootstrap) is not ready: \(error)") else { return nil }
                Pause.milliseconds(200)
            }
        }
    }
}

/// Tells a log once what is waited for, however often it is asked again.
private final class Waiting {
    private let stop: StopSignal
    private var told = ""

    init(_ stop: StopSignal) { self.stop = stop }

    func report(_ problem: String) -> Bool {
        if problem != told { Log.warning("waiting", ["for": LogValue(problem)]) }
        told = problem
        return !stop.isRequested
    }
}
