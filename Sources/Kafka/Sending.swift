// Handing a record to a producer: topics by name, headers, one copy of key and value.

internal import CRdKafka
internal import Synchronization

/// The topic handles of one producer. `@unchecked Sendable`: the dictionary is behind its mutex, and what is in it stays
/// valid until `close`.
@safe final class TopicHandles: @unchecked Sendable {
    @safe private struct Topic: @unchecked Sendable {  // a topic handle is as thread-safe as the handle it belongs to
        let pointer: OpaquePointer
    }
    private let handle: Handle
    private let topics = Mutex<[String: Topic]>([:])

    init(_ handle: Handle) {
        self.handle = handle
    }

    /// Must run before the handle is closed.
    func close() {
        topics.withLock { topics in
            for topic in topics.values { unsafe rd_kafka_topic_destroy(topic.pointer) }
            topics.removeAll()
        }
    }

    private func topic(_ name: String) throws(KafkaError) -> OpaquePointer {
        let known: Topic? = topics.withLock { topics in
            if let known = topics[name] { return known }
            guard let opened = unsafe rd_kafka_topic_new(handle.pointer, name, nil) else { return nil }
            let topic = unsafe Topic(pointer: opened)
            topics[name] = topic
            return topic
        }
        guard let known else { throw handle.error(rd_kafka_last_error(), doing: "open topic '\(name)'") }
        return unsafe known.pointer
    }

    func send(_ record: OutgoingRecord) throws(KafkaError) {
        guard record.partition >= 0 else {
            throw KafkaError(
                RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, doing: "send to \(record.topic)[\(record.partition)]")
        }
        let topic = unsafe try topic(record.topic)
        let code = unsafe withBytes(of: record.key) { hasKey, key in
            unsafe withBytes(of: record.value) { hasValue, value in
                unsafe record.headers.bytes.withUnsafeBytes { headers in
                    unsafe cna_produce(
                        handle.pointer, topic, record.partition, hasKey, key.baseAddress, key.count, hasValue,
                        value.baseAddress, value.count, headers.baseAddress, headers.count, record.headers.count)
                }
            }
        }
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        throw handle.error(code, doing: "send to \(record.topic)[\(record.partition)]")
    }

    /// Opens the topics and fetches where their partitions are, so that the first record does not wait a second for it
    /// (#5032). A topic that is still missing at the end is an error: nothing here creates one by writing to it.
    func warmUp(_ names: [String], timeoutMilliseconds: Int32) throws(KafkaError) {
        for name in names { _ = unsafe try topic(name) }
        try handle.awaitTopics(names, all: false, Deadline(milliseconds: timeoutMilliseconds))
    }
}

/// Lends the bytes of an optional array, and whether there is one: empty is not the same as none.
private func withBytes<R>(of bytes: [UInt8]?, _ body: (Int32, UnsafeRawBufferPointer) -> R) -> R {
    guard let bytes else { return unsafe body(0, UnsafeRawBufferPointer(start: nil, count: 0)) }
    return unsafe bytes.withUnsafeBytes { unsafe body(1, $0) }
}
