// Every bound of a worker, by name. docs/configuration.md lists them for operators.
public import Platform

public struct WorkerLimits: Sendable {
    /// One bite of the loop ends at whichever of the three comes first.
    public var batchRecordsMax = 1_000
    public var batchBytesMax = 1 << 20
    public var batchMillisecondsMax: Int64 = 20
    /// How long a batch may wait for more where nobody waits for it, or where the last one called forth many.
    public var lingerMilliseconds: Int64 = 8
    /// Under load the wait grows with what a transaction takes, up to this.
    public var lingerMillisecondsMax: Int64 = 100
    /// Rows that the log has are written to the shards' files at the latest after this, sooner when there is nothing to do.
    public var storeMilliseconds: Int64 = 250
    /// Input that changed nothing is committed at the latest after this.
    public var idleCommitMilliseconds: Int64 = 1_000
    /// A shard file not written for longer is rebuilt: half of the state topic's delete.retention.ms (7 days).
    public var shardAgeMillisecondsMax: Int64 = 84 * 3_600_000
    /// Files up to this size are checked whole when they are opened.
    public var shardCheckBytesMax: Int64 = 16 << 20
    /// Answers are kept this long for repeats, and no more than so many a shard.
    public var answerMilliseconds: Int64 = 600_000
    public var answersMax: Int64 = 100_000
    /// Requests of a worker that wait for other services.
    public var parkedMax = 10_000
    /// Clocks of different machines may differ by this much.
    public var clockAllowanceMilliseconds: Int64 = 1_000
    /// A call from one service to another.
    public var callMilliseconds: Int64 = 3_000
    /// Time-outs in a row that open a circuit, and how long it stays open before one call may try.
    public var breakerFailures = 3
    public var breakerOpenMilliseconds: Int64 = 5_000
    /// An unanswered call is sent again after this, then after twice as long, up to the second value.
    public var repeatMilliseconds: Int64 = 750
    public var repeatMillisecondsMax: Int64 = 4_000
    /// Calls of one requester under way. A list is a call to each shard, so that this is many times the requests.
    public var callsInFlightMax = 20_000
    /// Membership in the group survives a silence of this length; a dead instance's shards move after it.
    public var sessionMilliseconds: Int32 = 10_000
    public var pollMillisecondsMax: Int32 = 300_000
    public var transactionMilliseconds: Int32 = 10_000
    /// A loop that stands still for longer is ended by the watchdog.
    public var watchdogMilliseconds: Int64 = 60_000
    /// After SIGTERM; what is not finished by then is left as a crash would leave it.
    public var stopMilliseconds: Int64 = 9_500
    /// Rows a list may ask one shard for.
    public var listRowsMax: Int64 = 10_000
    /// One shard's part of a list; a reply larger than Kafka takes would never arrive.
    public var replyBytesMax = 4 << 20
    /// One request, command or event: beyond it the record is refused. The topics take a little more.
    public var recordBytesMax = 3 << 19
    /// What travels on from a record into keys of rows and headers of other records: ids, and the path of a request.
    public var idBytesMax = 1_024
    public var pathBytesMax = 16_384
    /// A changed row as a state record: beyond it the record that changed it is refused. The state topic takes a little more.
    public var rowBytesMax = 7 << 18
    /// A record beyond it is buried without its content. Less than the topic of the dead letters takes, since a letter has
    /// headers of its own.
    public var deadLetterBytesMax = 5 << 19
    /// Rows that are not even looked at (`ChangeCapture.largeBytes`) must stay below any bound that may be set.
    static let rowBytesMaxLeast = 1 << 20
    /// Transactional producers that take turns, so that a batch does not wait for the markers of the last one.
    public var transactionalProducers = 2

    public init() {}

    public init(_ settings: Settings) throws(SettingsError) {
        batchRecordsMax = try settings.integer("BATCH_RECORDS_MAX", default: batchRecordsMax, in: 1...10_000)
        batchBytesMax = try settings.integer("BATCH_BYTES_MAX", default: batchBytesMax, in: 1_024...64 << 20)
        batchMillisecondsMax = try settings.integer(
            "BATCH_MILLISECONDS_MAX", default: batchMillisecondsMax, in: 1...1_000)
        lingerMilliseconds = try settings.integer("LINGER_MILLISECONDS", default: lingerMilliseconds, in: 0...1_000)
        lingerMillisecondsMax = try settings.integer(
            "LINGER_MILLISECONDS_MAX", default: lingerMillisecondsMax, in: 0...1_000)
        storeMilliseconds = try settings.integer("STORE_MILLISECONDS", default: storeMilliseconds, in: 0...60_000)
        idleCommitMilliseconds = try settings.integer(
            "IDLE_COMMIT_MILLISECONDS", default: idleCommitMilliseconds, in: 10...60_000)
        shardAgeMillisecondsMax = try settings.integer(
            "SHARD_AGE_MILLISECONDS_MAX", default: shardAgeMillisecondsMax, in: 1_000...Int64(400) * 86_400_000)
        shardCheckBytesMax = try settings.integer(
            "SHARD_CHECK_BYTES_MAX", default: shardCheckBytesMax, in: 0...1 << 40)
        answerMilliseconds = try settings.integer(
            "ANSWER_MILLISECONDS", default: answerMilliseconds, in: 1_000...86_400_000)
        answersMax = try settings.integer("ANSWERS_MAX", default: answersMax, in: 100...10_000_000)
        parkedMax = try settings.integer("PARKED_MAX", default: parkedMax, in: 1...1_000_000)
        clockAllowanceMilliseconds = try settings.integer(
            "CLOCK_ALLOWANCE_MILLISECONDS", default: clockAllowanceMilliseconds, in: 0...3_600_000)
        callMilliseconds = try settings.integer("CALL_MILLISECONDS", default: callMilliseconds, in: 50...60_000)
        breakerFailures = try settings.integer("BREAKER_FAILURES", default: breakerFailures, in: 1...1_000)
        breakerOpenMilliseconds = try settings.integer(
            "BREAKER_OPEN_MILLISECONDS", default: breakerOpenMilliseconds, in: 10...600_000)
        repeatMilliseconds = try settings.integer("REPEAT_MILLISECONDS", default: repeatMilliseconds, in: 10...60_000)
        repeatMillisecondsMax = try settings.integer(
            "REPEAT_MILLISECONDS_MAX", default: repeatMillisecondsMax, in: 10...60_000)
        callsInFlightMax = try settings.integer("CALLS_IN_FLIGHT_MAX", default: callsInFlightMax, in: 1...1_000_000)
        sessionMilliseconds = try settings.integer(
            "SESSION_MILLISECONDS", default: sessionMilliseconds, in: 1_000...1_800_000)
        pollMillisecondsMax = try settings.integer(
            "POLL_MILLISECONDS_MAX", default: pollMillisecondsMax, in: 10_000...3_600_000)
        transactionMilliseconds = try settings.integer(
            "TRANSACTION_MILLISECONDS", default: transactionMilliseconds, in: 1_000...900_000)
        watchdogMilliseconds = try settings.integer(
            "WATCHDOG_MILLISECONDS", default: watchdogMilliseconds, in: 1_000...3_600_000)
        stopMilliseconds = try settings.integer("STOP_MILLISECONDS", default: stopMilliseconds, in: 100...3_600_000)
        listRowsMax = try settings.integer("LIST_ROWS_MAX", default: listRowsMax, in: 100...1_000_000)
        replyBytesMax = try settings.integer("REPLY_BYTES_MAX", default: replyBytesMax, in: 65_536...7 << 20)
        recordBytesMax = try settings.integer("RECORD_BYTES_MAX", default: recordBytesMax, in: 1_024...8 << 20)
        idBytesMax = try settings.integer("ID_BYTES_MAX", default: idBytesMax, in: 1_024...65_536)
        pathBytesMax = try settings.integer("PATH_BYTES_MAX", default: pathBytesMax, in: 1_024...262_144)
        rowBytesMax = try settings.integer("ROW_BYTES_MAX", default: rowBytesMax, in: Self.rowBytesMaxLeast...7 << 20)
        deadLetterBytesMax = try settings.integer(
            "DEAD_LETTER_BYTES_MAX", default: deadLetterBytesMax, in: 65_536...7 << 20)
        transactionalProducers = try settings.integer(
            "TRANSACTIONAL_PRODUCERS", default: transactionalProducers, in: 1...4)
        if pollMillisecondsMax < sessionMilliseconds {
            throw SettingsError("POLL_MILLISECONDS_MAX", "is below SESSION_MILLISECONDS (\(sessionMilliseconds))")
        }
    }
}
