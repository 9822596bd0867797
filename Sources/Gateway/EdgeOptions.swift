// What bounds the edge, by name, with a default and an environment variable each.
public import Platform

public struct EdgeOptions: Sendable {
    /// How long a call may take, from the client's request to its answer; beyond it 504. A killed worker must be back
    /// before it is over, so that it costs latency and no error.
    public var deadlineMilliseconds: Int64 = 15_000
    /// Requests under way at once; beyond it 503.
    public var inFlightMax = 1000
    /// How long `?after=` waits when the client does not say.
    public var waitMilliseconds: Int64 = 5000
    /// How often a waiting request looks again.
    public var pollMilliseconds: Int64 = 25
    /// Items of a page when the client does not say, and at most.
    public var pageSizeDefault = 20
    public var pageSizeMax = 1000
    /// Rows a shard is asked for at most: how deep one can page from either end.
    public var listRowsMax = 10_000
    /// Bytes of an `Idempotency-Key`.
    public var idempotencyKeyBytesMax = 200
    /// Whether `X-Forwarded-*` is believed: only behind a proxy that sets it.
    public var forwardedTrusted = false
    /// The host in links when a client names none.
    public var authority = "localhost:8080"
    /// Requests a second from one address; 0 means as many as it likes.
    public var ratePerSecond = 0
    /// Requests an address may save up.
    public var rateBurst = 0
    /// Addresses remembered.
    public var rateClientsMax = 10_000
    public var accessLog = true
    /// A worker silent for so long is no longer shown.
    public var telemetrySilenceMilliseconds: Int64 = 60_000

    public init() {}

    /// - Parameter port: where the edge listens, for links when a client names no host.
    public static func fromSettings(_ settings: Settings = .process, port: UInt16 = GatewayProcess.defaultPort)
        throws(SettingsError) -> EdgeOptions
    {
        var options = EdgeOptions()
        options.authority = "localhost:\(port)"
        options.deadlineMilliseconds = try settings.integer(
            "EDGE_DEADLINE_MILLISECONDS", default: options.deadlineMilliseconds, in: 100...120_000)
        options.inFlightMax = try settings.integer(
            "EDGE_IN_FLIGHT_MAX", default: options.inFlightMax, in: 1...100_000)
        options.waitMilliseconds = try settings.integer(
            "EDGE_WAIT_MILLISECONDS", default: options.waitMilliseconds, in: 0...120_000)
        options.pollMilliseconds = try settings.integer(
            "EDGE_POLL_MILLISECONDS", default: options.pollMilliseconds, in: 5...5000)
        options.pageSizeDefault = try settings.integer(
            "LIST_SIZE_DEFAULT", default: options.pageSizeDefault, in: 1...1000)
        options.pageSizeMax = try settings.integer(
            "LIST_SIZE_MAX", default: options.pageSizeMax, in: options.pageSizeDefault...10_000)
        // The workers read the same variable: a shard refuses to list more.
        options.listRowsMax = try settings.integer(
            "LIST_ROWS_MAX", default: options.listRowsMax, in: 100...1_000_000)
        options.idempotencyKeyBytesMax = try settings.integer(
            // Below the workers' ID_BYTES_MAX: a service that asks another puts its own name around the key.
            "IDEMPOTENCY_KEY_BYTES_MAX", default: options.idempotencyKeyBytesMax, in: 16...800)
        options.forwardedTrusted = try settings.flag("FORWARDED_TRUSTED", default: options.forwardedTrusted)
        options.ratePerSecond = try settings.integer(
            "RATE_LIMIT_PER_SECOND", default: options.ratePerSecond, in: 0...1_000_000)
        options.rateBurst = try settings.integer(
            "RATE_LIMIT_BURST", default: options.ratePerSecond, in: options.ratePerSecond...10_000_000)
        options.rateClientsMax = try settings.integer(
            "RATE_LIMIT_CLIENTS_MAX", default: options.rateClientsMax, in: 1...1_000_000)
        options.accessLog = try settings.flag("ACCESS_LOG", default: options.accessLog)
        options.telemetrySilenceMilliseconds =
            1000
            * (try settings.integer(
                "TELEMETRY_SILENCE_SECONDS", default: options.telemetrySilenceMilliseconds / 1000, in: 5...3600))
        return options
    }
}
