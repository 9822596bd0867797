// One admin request: options, a queue of its own, the event that answers.

internal import CRdKafka

/// The answer, destroyed when it goes out of scope; what is read from it is only valid until then.
@safe struct AdminEvent: ~Copyable {
    let pointer: OpaquePointer
    /// Outlives the event.
    let handle: Handle

    deinit { unsafe rd_kafka_event_destroy(pointer) }
}

struct AdminCall {
    private let handle: Handle

    init(_ settings: KafkaSettings) throws(KafkaError) {
        handle = try Handle(.producer, settings, clientID: "admin", [])
    }

    func run(
        _ what: String, _ operation: rd_kafka_admin_op_t, _ timeoutMilliseconds: Int32,
        _ request: (_ handle: OpaquePointer, _ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void
    ) throws(KafkaError) -> AdminEvent {
        let options = unsafe rd_kafka_AdminOptions_new(handle.pointer, operation)
        defer { unsafe rd_kafka_AdminOptions_destroy(options) }
        // One for the way, one for the controller: the call answers when the topics are there.
        _ = unsafe rd_kafka_AdminOptions_set_request_timeout(options, timeoutMilliseconds, nil, 0)
        _ = unsafe rd_kafka_AdminOptions_set_operation_timeout(options, timeoutMilliseconds, nil, 0)
        let queue = unsafe rd_kafka_queue_new(handle.pointer)
        defer { unsafe rd_kafka_queue_destroy(queue) }
        unsafe request(handle.pointer, options, queue)
        // The library answers by its request timeout; a second more is for the answer's own way.
        guard let event = unsafe rd_kafka_queue_poll(queue, timeoutMilliseconds + 1_000) else {
            throw handle.error(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: what)
        }
        let answer = unsafe AdminEvent(pointer: event, handle: handle)
        let code = unsafe rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            _ = unsafe rd_kafka_poll(handle.pointer, 0)
            throw handle.error(code, doing: what)
        }
        return answer
    }
}
