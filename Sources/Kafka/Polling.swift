// What group consumers and readers share: a poll, and the copy of what it gives.

internal import CRdKafka

/// Takes one message from the consumer's queue, copies it and destroys it at once. Used by one thread.
struct Poller {
    private var names = TopicNames()

    mutating func poll(_ handle: Handle, timeoutMilliseconds: Int32) -> Polled {
        guard let message = unsafe rd_kafka_consumer_poll(handle.pointer, timeoutMilliseconds) else { return .idle }
        defer { unsafe rd_kafka_message_destroy(message) }
        let topic = unsafe message.pointee.rkt.flatMap { unsafe rd_kafka_topic_name($0) }
            .map { unsafe names.name($0) }
        switch unsafe message.pointee.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            return .record(unsafe copy(message, topic ?? ""))
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            let place = TopicPartition(topic: topic ?? "", partition: unsafe message.pointee.partition)
            return .end(place, offset: unsafe message.pointee.offset)
        case let code:
            let place = topic.map { unsafe " of \($0)[\(message.pointee.partition)]@\(message.pointee.offset)" } ?? ""
            // What is fatal is told once, by the handle.
            let text = code == RD_KAFKA_RESP_ERR__FATAL ? nil : unsafe rd_kafka_message_errstr(message)
            let words = unsafe text.map { unsafe ": " + String(cString: $0) } ?? ""
            // The library goes on asking for a topic that is not there; how long to wait is the caller's decision.
            let remedy: KafkaError.Remedy? = code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? .retry : nil
            return .failed(handle.error(code, doing: "poll\(place)\(words)", remedy: remedy))
        }
    }

    private func copy(_ message: UnsafeMutablePointer<rd_kafka_message_t>, _ topic: String) -> Record {
        let source = unsafe message.pointee
        return Record(
            topic: topic, partition: unsafe source.partition, offset: unsafe source.offset,
            timestampMilliseconds: unsafe rd_kafka_message_timestamp(message, nil),
            key: unsafe bytes(source.key, source.key_len), value: unsafe bytes(source.payload, source.len),
            headers: unsafe headers(of: message))
    }

    /// A null pointer is no key or a tombstone, which is legal input.
    private func bytes(_ start: UnsafeMutableRawPointer?, _ count: Int) -> [UInt8]? {
        guard let start = unsafe start else { return nil }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    private func headers(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> Headers {
        var list: OpaquePointer?
        guard unsafe rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR else { return [] }
        let size = unsafe cna_headers_size(list)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            unsafe cna_headers_write(list, buffer.baseAddress)
            count = size
        }
        return unsafe Headers(count: rd_kafka_header_cnt(list), bytes: bytes)
    }
}

/// The queue of a consumer, which rings a bell when something comes into the empty queue.
@safe final class ConsumerQueue {
    private let pointer: OpaquePointer?

    init(_ handle: Handle) {
        unsafe pointer = rd_kafka_queue_get_consumer(handle.pointer)
    }

    func ring(_ fileDescriptor: Int32) {
        // Eight bytes, as an eventfd wants them; the library copies them.
        var one: UInt64 = 1
        unsafe rd_kafka_queue_io_event_enable(pointer, fileDescriptor, &one, MemoryLayout<UInt64>.size)
    }

    deinit {
        guard let pointer = unsafe pointer else { return }
        unsafe rd_kafka_queue_io_event_enable(pointer, -1, nil, 0)
        unsafe rd_kafka_queue_destroy(pointer)
    }
}

/// Properties of everything that fetches.
func fetchProperties(_ settings: KafkaSettings, readCommitted: Bool) -> [(name: String, value: String)] {
    [
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("isolation.level", readCommitted ? "read_committed" : "read_uncommitted"),
        // What has rotted on a disk must not become a row of a shard; it costs a pass of CRC-32C over each batch.
        ("check.crcs", "true"),
        // Nobody may silently begin elsewhere than where he was told to.
        ("auto.offset.reset", "error"),
        ("allow.auto.create.topics", "false"),
        // One fetch per broker is on its way at a time; a newly assigned partition waits for it.
        ("fetch.wait.max.ms", "100"),
        ("fetch.error.backoff.ms", "50"),
        ("fetch.message.max.bytes", String(settings.messageMaxBytes)),
        ("fetch.max.bytes", String(2 * settings.messageMaxBytes)),
        ("queued.min.messages", "100000"),
        ("queued.max.messages.kbytes", String(settings.fetchQueueKilobytes)),
    ]
}
