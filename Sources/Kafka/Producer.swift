// A plain producer: never blocks, for what needs no transaction (requests, replies, telemetry). A record may come twice,
// and two may swap places, when the broker's answer is lost. Not idempotent on purpose: 2.0.2 then counts a refused batch as
// delivered once a later one was taken, and a broker that has just become leader refuses the first and takes the second;
// and a broker that died can leave the producer's numbering beyond repair (#4438).

internal import CRdKafka

/// May be used from several threads at once.
public final class Producer: Sendable {
    private let handle: Handle
    private let topics: TopicHandles

    /// - deliveryTimeoutMilliseconds: after that an undelivered record is given up and counted in `failedDeliveries`.
    /// - queueRecordsMax: more undelivered records than this and `send` throws.
    public init(
        _ settings: KafkaSettings, clientID: String, lingerMilliseconds: Int = 0,
        deliveryTimeoutMilliseconds: Int = 30_000, queueRecordsMax: Int = 100_000
    ) throws(KafkaError) {
        handle = try Handle(
            .producer, settings, clientID: clientID,
            [
                ("enable.idempotence", "false"),
                ("linger.ms", String(lingerMilliseconds)),
                // A million by default, a request for every other record. What waits behind five travels together in
                // the next one; a lonely record waits for nobody.
                ("max.in.flight.requests.per.connection", "5"),
                ("retry.backoff.ms", "5"),
                ("message.timeout.ms", String(deliveryTimeoutMilliseconds)),
                ("queue.buffering.max.messages", String(queueRecordsMax)),
                ("queue.buffering.max.kbytes", String(settings.sendQueueKilobytes)),
            ])
        topics = TopicHandles(handle)
    }

    deinit {
        topics.close()
        handle.close()
    }

    /// Call it once before the first record: it checks that the topics exist and saves the first send a second.
    public func warmUp(topics names: [String], timeoutMilliseconds: Int32) throws(KafkaError) {
        try topics.warmUp(names, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Queues the record and returns. A full queue is an error with the remedy `.retry`.
    public func send(_ record: OutgoingRecord) throws(KafkaError) {
        try topics.send(record)
    }

    /// Handles delivery reports; somebody has to call it now and then.
    public func serve(timeoutMilliseconds: Int32) {
        _ = unsafe rd_kafka_poll(handle.pointer, timeoutMilliseconds)
    }

    /// Waits until every record is delivered or given up.
    public func flush(timeoutMilliseconds: Int32) throws(KafkaError) {
        let code = unsafe rd_kafka_flush(handle.pointer, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw handle.error(code, doing: "flush \(queueLength) records")
        }
    }

    /// Records that are not delivered yet, and reports of deliveries and errors that are not handled yet.
    public var queueLength: Int { unsafe Int(rd_kafka_outq_len(handle.pointer)) }

    /// How many records were given up since the start, as far as `serve` has heard.
    public var failedDeliveries: Int { handle.events.failures }
    public var lastDeliveryError: KafkaError? { handle.events.lastFailure }
    /// Not nil: this producer will never send again.
    public var fatalError: KafkaError? { handle.fatalError }
}
