// Every limit of the broker by name, with its default and the variable that changes it.
public import Platform

public struct BrokerSettings: Sendable {
    public var maximumRequestBytes = 32 * 1024 * 1024
    public var maximumConnections = 2000
    public var idleConnectionMilliseconds: Int64 = 600_000
    /// A request that began but does not end, or an answer nobody takes.
    public var stalledConnectionMilliseconds: Int64 = 60_000
    public var maximumFetchBytes = 16 * 1024 * 1024
    public var minimumSessionMilliseconds: Int32 = 1000
    public var maximumSessionMilliseconds: Int32 = 1_800_000
    public var initialRebalanceDelayMilliseconds: Int64 = 0
    public var maximumTransactionMilliseconds: Int32 = 900_000
    public var offsetsRetentionMilliseconds: Int64 = 7 * 24 * 3_600_000
    public var producerExpirationMilliseconds: Int64 = 24 * 3_600_000
    public var transactionalIdExpirationMilliseconds: Int64 = 7 * 24 * 3_600_000
    public var defaultSegmentBytes = 16 * 1024 * 1024
    public var journalCompactionBytes = 16 * 1024 * 1024
    public var upkeepMilliseconds: Int64 = 5000
    public var maximumPartitions: Int32 = 1000

    public init() {}

    public init(_ settings: Settings) throws(SettingsError) {
        maximumRequestBytes = try settings.integer(
            "BROKER_MAX_REQUEST_BYTES", default: maximumRequestBytes, in: 1024 * 1024...1024 * 1024 * 1024)
        maximumConnections = try settings.integer(
            "BROKER_MAX_CONNECTIONS", default: maximumConnections, in: 1...100_000)
        idleConnectionMilliseconds = try settings.integer(
            "BROKER_IDLE_CONNECTION_MS", default: idleConnectionMilliseconds, in: 1000...86_400_000)
        stalledConnectionMilliseconds = try settings.integer(
            "BROKER_STALLED_CONNECTION_MS", default: stalledConnectionMilliseconds, in: 100...3_600_000)
        maximumFetchBytes = try settings.integer(
            "BROKER_MAX_FETCH_BYTES", default: maximumFetchBytes, in: 1024...1024 * 1024 * 1024)
        minimumSessionMilliseconds = try settings.integer(
            "BROKER_MIN_SESSION_MS", default: minimumSessionMilliseconds, in: 1...600_000)
        maximumSessionMilliseconds = try settings.integer(
            "BROKER_MAX_SESSION_MS", default: maximumSessionMilliseconds, in: 1000...86_400_000)
        initialRebalanceDelayMilliseconds = try settings.integer(
            "BROKER_INITIAL_REBALANCE_DELAY_MS", default: initialRebalanceDelayMilliseconds, in: 0...60_000)
        maximumTransactionMilliseconds = try settings.integer(
            "BROKER_MAX_TRANSACTION_MS", default: maximumTransactionMilliseconds, in: 1000...86_400_000)
        offsetsRetentionMilliseconds = try settings.integer(
            "BROKER_OFFSETS_RETENTION_MS", default: offsetsRetentionMilliseconds, in: 1000...Int64.max / 2)
        producerExpirationMilliseconds = try settings.integer(
            "BROKER_PRODUCER_EXPIRATION_MS", default: producerExpirationMilliseconds, in: 1000...Int64.max / 2)
        transactionalIdExpirationMilliseconds = try settings.integer(
            "BROKER_TRANSACTIONAL_ID_EXPIRATION_MS", default: transactionalIdExpirationMilliseconds,
            in: 1000...Int64.max / 2)
        defaultSegmentBytes = try settings.integer(
            "BROKER_SEGMENT_BYTES", default: defaultSegmentBytes, in: 1024...1024 * 1024 * 1024)
        journalCompactionBytes = try settings.integer(
            "BROKER_JOURNAL_BYTES", default: journalCompactionBytes, in: 64 * 1024...1024 * 1024 * 1024)
        upkeepMilliseconds = try settings.integer("BROKER_UPKEEP_MS", default: upkeepMilliseconds, in: 10...3_600_000)
        maximumPartitions = try settings.integer("BROKER_MAX_PARTITIONS", default: maximumPartitions, in: 1...100_000)
    }
}
