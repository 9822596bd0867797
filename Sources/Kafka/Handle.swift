// One rd_kafka_t: how it is configured, what it reports, how it ends.

internal import CRdKafka
internal import Glibc
internal import Platform
internal import Synchronization

/// Properties every handle has; the rest comes from its kind. kafka-notes sections 0 to 2 give the reasons at length.
private let commonProperties: [(name: String, value: String)] = [
    // On by default in 2.0.2, and worth 40 ms on a quiet connection (#4986).
    ("socket.nagle.disable", "true"),
    // 10 s by default: too long for a broker that restarts within two.
    ("reconnect.backoff.ms", "50"),
    ("reconnect.backoff.max.ms", "1000"),
    // 30 s by default: so long it would wait for the address of a pod that is gone, which swallows what is sent there.
    ("socket.connection.setup.timeout.ms", "5000"),
    // A broker closes idle connections; that is no news.
    ("log.connection.close", "false"),
]

/// `@unchecked Sendable`: "The API is completely thread-safe and the calling application may call any of the API
/// functions from any of its own threads at any time" (librdkafka's INTRODUCTION.md, "Threads and callbacks").
@safe final class Handle: @unchecked Sendable {
    enum Kind { case producer, consumer }

    let pointer: OpaquePointer
    /// Librdkafka's opaque points at it, so it lives as long as the handle.
    let events: HandleEvents
    /// Its main thread reads it until the handle is closed.
    private let clock: HastyClock?
    private let isOpen = Atomic<Bool>(true)

    init(
        _ kind: Kind, _ settings: KafkaSettings, clientID: String, _ properties: [(name: String, value: String)],
        events: HandleEvents = HandleEvents(), clock: HastyClock? = nil
    ) throws(KafkaError) {
        guard let configuration = unsafe rd_kafka_conf_new() else {
            throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, doing: "configure \(clientID)")
        }
        do throws(KafkaError) {
            for property in [("client.id", clientID)] + commonProperties + settings.properties + properties {
                unsafe try Handle.set(configuration, property.0, property.1)
            }
        } catch {
            unsafe rd_kafka_conf_destroy(configuration)
            throw error
        }
        unsafe rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(events).toOpaque())
        unsafe rd_kafka_conf_set_log_cb(configuration, logged)
        unsafe rd_kafka_conf_set_error_cb(configuration, failed)
        // Without one a commit waits for delivery reports in steps of 10 ms.
        if kind == .producer { unsafe rd_kafka_conf_set_dr_msg_cb(configuration, delivered) }
        if let clock { unsafe clock.lead(configuration) }
        if events.handlesRebalances { unsafe rd_kafka_conf_set_rebalance_cb(configuration, rebalanced) }
        let type = kind == .producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER
        let (handle, text) = unsafe withErrorText { unsafe rd_kafka_new(type, configuration, $0, $1) }
        guard let handle = unsafe handle else {
            // Only a successful rd_kafka_new takes the configuration over.
            unsafe rd_kafka_conf_destroy(configuration)
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, doing: "open \(clientID)", detail: text)
        }
        unsafe pointer = handle
        self.events = events
        self.clock = clock
    }

    deinit { close() }

    /// Ends its threads. Everything made from it (messages, lists, topics, queues) must be gone by now, or this waits
    /// for ever. A process that is about to end spares itself this and calls `_exit`: the broker sees no difference.
    func close() {
        guard isOpen.exchange(false, ordering: .sequentiallyConsistent) else { return }
        unsafe rd_kafka_destroy(pointer)
    }

    /// What the library has decided is beyond repair, if it has.
    var fatalError: KafkaError? {
        let (code, text) = unsafe withErrorText { unsafe rd_kafka_fatal_error(pointer, $0, $1) }
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        return KafkaError(code, doing: "fatal", detail: text, remedy: .giveUp)
    }

    /// The error of a bare code. A timeout alone says little, so the last thing that went wrong below is added.
    func error(_ code: rd_kafka_resp_err_t, doing what: String, remedy: KafkaError.Remedy? = nil) -> KafkaError {
        if code == RD_KAFKA_RESP_ERR__FATAL, let fatalError {
            return KafkaError(
                remedy: .giveUp, code: fatalError.code, name: fatalError.name, text: "\(what): \(fatalError.text)")
        }
        let error = KafkaError(code, doing: what, remedy: remedy)
        guard error.remedy == .retry, let cause = events.lastError else { return error }
        // What no patience mends down there is how to be let in: whoever reads the line needs the names of the settings.
        let mustBeFixed = cause.remedy == .fixConfiguration
        let hint = mustBeFixed ? "; see KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_… and KAFKA_SSL_…" : ""
        return KafkaError(
            remedy: mustBeFixed ? .fixConfiguration : .retry, code: error.code, name: error.name,
            text: "\(error.text); last: \(cause.text)\(hint)")
    }

    private static func set(_ configuration: OpaquePointer, _ name: String, _ value: String) throws(KafkaError) {
        let (result, text) = unsafe withErrorText { unsafe rd_kafka_conf_set(configuration, name, value, $0, $1) }
        guard result == RD_KAFKA_CONF_OK else {
            // The library's text does not repeat a value that may be a secret, except for numbers and choices.
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, doing: "set \(name)", detail: text)
        }
    }
}

/// Runs a call that writes its complaint into a buffer.
func withErrorText<R>(_ call: (UnsafeMutablePointer<CChar>?, Int) -> R) -> (R, String) {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
        unsafe buffer.initialize(repeating: 0)
        let result = unsafe call(buffer.baseAddress, buffer.count)
        return (result, unsafe buffer.baseAddress.map { unsafe String(cString: $0) } ?? "")
    }
}
