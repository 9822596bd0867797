// What one client, and all clients together, may take of this process.
public import Platform

public struct IngressLimits: Sendable {
    /// Beyond it 413.
    public var bodyBytesMax = 1 << 20
    /// Request line and headers together; beyond it 431.
    public var headerBytesMax = 16 << 10
    /// Query parameters of one request; beyond it 414.
    public var queryParametersMax = 128
    /// How long a connection may lie unused between two requests before it is closed.
    public var idleTimeoutSeconds = 60
    /// How long a request may take to arrive, first byte to last; beyond it 408.
    public var requestTimeoutSeconds = 15
    /// How long a client may take to read one answer before it is cut off.
    public var sendTimeoutSeconds = 60
    /// How long a refused client may go on sending, so that it gets to read why, before it is cut off.
    public var lingerSeconds = 2
    /// Open at once; beyond it 503.
    public var connectionsMax = 1000
    /// Open at once from one address; beyond it 503.
    public var connectionsPerAddressMax = 1000

    public init() {}

    public static func fromSettings(_ settings: Settings = .process) throws(SettingsError) -> IngressLimits {
        var limits = IngressLimits()
        limits.bodyBytesMax = try settings.integer(
            "INGRESS_BODY_BYTES_MAX", default: limits.bodyBytesMax, in: 0...(64 << 20))
        limits.headerBytesMax = try settings.integer(
            "INGRESS_HEADER_BYTES_MAX", default: limits.headerBytesMax, in: 1024...(256 << 10))
        limits.queryParametersMax = try settings.integer(
            "INGRESS_QUERY_PARAMETERS_MAX", default: limits.queryParametersMax, in: 1...4096)
        limits.idleTimeoutSeconds = try settings.integer(
            "INGRESS_IDLE_TIMEOUT_SECONDS", default: limits.idleTimeoutSeconds, in: 1...3600)
        limits.requestTimeoutSeconds = try settings.integer(
            "INGRESS_REQUEST_TIMEOUT_SECONDS", default: limits.requestTimeoutSeconds, in: 1...3600)
        limits.sendTimeoutSeconds = try settings.integer(
            "INGRESS_SEND_TIMEOUT_SECONDS", default: limits.sendTimeoutSeconds, in: 1...3600)
        limits.lingerSeconds = try settings.integer(
            "INGRESS_LINGER_SECONDS", default: limits.lingerSeconds, in: 0...60)
        limits.connectionsMax = try settings.integer(
            "INGRESS_CONNECTIONS_MAX", default: limits.connectionsMax, in: 1...100_000)
        limits.connectionsPerAddressMax = try settings.integer(
            "INGRESS_CONNECTIONS_PER_ADDRESS_MAX", default: limits.connectionsMax, in: 1...100_000)
        // A mistake to tell of at the start, like a number out of range: no other start will mend it.
        let (needed, most) = (FileDescriptors.needed(for: limits), FileDescriptors.most)
        guard needed <= most else {
            throw SettingsError(
                "INGRESS_CONNECTIONS_MAX",
                "is \(limits.connectionsMax), which needs \(needed) file descriptors where this process may have \(most) (ulimit -Hn)"
            )
        }
        return limits
    }
}
