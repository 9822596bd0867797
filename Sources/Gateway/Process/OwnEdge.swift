// The edge of one service in its own worker's process: for callers inside the cluster and for probes.
public import Contract
public import Platform
public import Worker

public enum OwnEdge {
    /// Whether the settings make sense: said before anything is connected.
    public static func check(_ service: ServiceContract, _ settings: Settings) throws {
        _ = try EdgeOptions.fromSettings(settings, port: try place(service, settings).port)
    }

    private static func place(_ service: ServiceContract, _ settings: Settings) throws(SettingsError)
        -> EdgeServer.Place
    {
        try EdgeServer.Place(
            variable: Settings.portVariable(of: service.name), defaultPort: service.ownPort ?? 0, settings: settings)
    }

    /// Serves the service's own resources and the local paths on its own port. Returns what stops it.
    /// - Parameter readiness: says why the worker should get no traffic, nil when it should.
    public static func start(
        _ service: ServiceContract, beside context: WorkerContext, local: [LocalRoute] = [],
        readiness: @escaping @Sendable () -> String? = { nil }
    ) throws -> @Sendable () -> Void {
        let place = try place(service, context.settings)
        let edge = Edge(
            system: context.system, services: [service], instance: context.instance,
            options: try EdgeOptions.fromSettings(context.settings, port: place.port), local: local,
            readiness: readiness)
        let server = try EdgeServer(edge, at: place)
        let client = try RequestClient(
            system: context.system, shards: context.shards, kafka: context.kafka,
            instance: "\(context.instance)-edge", settings: context.settings)
        edge.connect(client, shards: context.shards)
        Log.info("listening", ["port": LogValue(server.port)])
        return {
            server.stop()
            client.stop()
        }
    }
}
