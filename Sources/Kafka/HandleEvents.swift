// What librdkafka reports by calling back: logs, errors, delivery reports, rebalances.
// The callbacks convert and note; only a rebalance calls on, and it runs inside our own poll.

internal import CRdKafka
internal import Platform
internal import Synchronization

/// The context of all callbacks of one handle. `@unchecked Sendable`: the state is behind a mutex, and `rebalance` is set
/// before the first poll and called only from inside a poll, which one thread does.
final class HandleEvents: @unchecked Sendable {
    struct Deliveries {
        var names = TopicNames()
        var highest: [DeliveredPartition: Int64] = [:]
        /// Said to be delivered, but nobody knows where to.
        var unplaced = 0
        var failures = 0
        var lastFailure: KafkaError?
        var lastError: (error: KafkaError, atMilliseconds: Int64)?
    }
    struct DeliveredPartition: Hashable {
        let topic: Int
        let partition: Int32
    }

    let handlesRebalances: Bool
    /// A consumer only: what to do with a new or lost assignment. Weak inside, as the consumer owns the handle.
    var rebalance: ((_ code: rd_kafka_resp_err_t, _ partitions: [Position]) -> Void)?
    /// Whether offsets of delivered records are wanted; a plain producer has nobody who takes them.
    private let notesDeliveries: Bool
    private let state = Mutex(Deliveries())

    init(notesDeliveries: Bool = false, handlesRebalances: Bool = false) {
        self.notesDeliveries = notesDeliveries
        self.handlesRebalances = handlesRebalances
    }

    /// The last error of the connections, while it is news: they are tried again at least every second.
    var lastError: KafkaError? {
        let oldest = Clock.monotonicMilliseconds() - HandleEvents.errorIsNewsMilliseconds
        return state.withLock { state in
            state.lastError.flatMap { $0.atMilliseconds >= oldest ? $0.error : nil }
        }
    }
    /// Repeated errors are reported only every 30 seconds.
    private static let errorIsNewsMilliseconds: Int64 = 35_000

    var failures: Int { state.withLock { $0.failures } }
    var lastFailure: KafkaError? { state.withLock { $0.lastFailure } }

    /// Deliveries without an offset since the last call.
    func takeUnplaced() -> Int {
        state.withLock { state in
            defer { state.unplaced = 0 }
            return state.unplaced
        }
    }

    func takeDelivered() -> [TopicPartition: Int64] {
        state.withLock { state in
            defer { state.highest.removeAll(keepingCapacity: true) }
            var result: [TopicPartition: Int64] = [:]
            for (place, offset) in state.highest {
                result[TopicPartition(topic: state.names[place.topic], partition: place.partition)] = offset
            }
            return result
        }
    }

    fileprivate func noteError(_ error: KafkaError) {
        state.withLock { $0.lastError = (error, Clock.monotonicMilliseconds()) }
    }

    fileprivate func noteDelivery(_ message: rd_kafka_message_t) {
        guard unsafe message.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
            let topic = unsafe message.rkt.map { unsafe String(cString: rd_kafka_topic_name($0)) } ?? "?"
            let error = unsafe KafkaError(message.err, doing: "deliver to \(topic)[\(message.partition)]")
            state.withLock { state in
                state.failures += 1
                state.lastFailure = error
            }
            return
        }
        guard notesDeliveries, let topic = unsafe message.rkt, let name = unsafe rd_kafka_topic_name(topic) else {
            return
        }
        state.withLock { state in
            guard unsafe message.offset >= 0 else {
                state.unplaced += 1
                return
            }
            let place = unsafe DeliveredPartition(
                topic: state.names.index(of: name), partition: message.partition)
            state.highest[place] = unsafe max(state.highest[place] ?? -1, message.offset)
        }
    }
}

/// The opaque is the handle's own HandleEvents, which the handle keeps until rd_kafka_destroy has returned.
private func events(_ opaque: UnsafeMutableRawPointer) -> HandleEvents {
    unsafe Unmanaged<HandleEvents>.fromOpaque(opaque).takeUnretainedValue()
}

/// Comes from any of the library's threads.
func logged(
    _ handle: OpaquePointer?, _ level: Int32, _ facility: UnsafePointer<CChar>?, _ text: UnsafePointer<CChar>?
) {
    guard let text = unsafe text, let facility = unsafe facility else { return }
    let client = unsafe handle.flatMap { unsafe rd_kafka_name($0) }.map { unsafe String(cString: $0) } ?? ""
    let message = unsafe String(cString: text)
    let kind = unsafe String(cString: facility)
    let fields: KeyValuePairs<String, LogValue> = [
        "client": LogValue(client), "facility": LogValue(kind),
    ]
    // The library counts as syslog does: 3 is an error, 4 a warning, 7 debug. A lost connection is an error to it,
    // while for us it is a warning: it tries again for ever, and who waits gets an error of his own.
    switch level {
    case ...2: Log.error(message, fields)
    // Versions after 2.0.2 say so of every partition, every few milliseconds, until a broker that came back leads it.
    case 4 where kind == "METADATAUPDATE": Log.debug(message, fields)
    case 3, 4: Log.warning(message, fields)
    case 5, 6: Log.info(message, fields)
    default: Log.debug(message, fields)
    }
}

/// Runs inside a poll.
func failed(
    _ handle: OpaquePointer?, _ code: Int32, _ reason: UnsafePointer<CChar>?, _ opaque: UnsafeMutableRawPointer?
) {
    guard let opaque = unsafe opaque else { return }
    let words = unsafe reason.map { unsafe String(cString: $0) } ?? ""
    let error = KafkaError(rd_kafka_resp_err_t(code), doing: "connection", detail: words)
    unsafe events(opaque).noteError(error)
    Log.warning("kafka: \(words)", ["code": LogValue(error.name)])
}

/// Runs inside a poll, a flush or a commit.
func delivered(
    _ handle: OpaquePointer?, _ message: UnsafePointer<rd_kafka_message_t>?, _ opaque: UnsafeMutableRawPointer?
) {
    guard let opaque = unsafe opaque, let message = unsafe message else { return }
    unsafe events(opaque).noteDelivery(message.pointee)
}

/// Runs inside a poll or the close of a consumer.
func rebalanced(
    _ handle: OpaquePointer?, _ code: rd_kafka_resp_err_t,
    _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?, _ opaque: UnsafeMutableRawPointer?
) {
    guard let opaque = unsafe opaque, let partitions = unsafe partitions else { return }
    if let rebalance = unsafe events(opaque).rebalance {
        unsafe rebalance(code, positions(in: partitions))
    } else {
        // The consumer is being given up; the library still waits for somebody to let go of the partitions.
        _ = unsafe rd_kafka_assign(handle, nil)
    }
}
