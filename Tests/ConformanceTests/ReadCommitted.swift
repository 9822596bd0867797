// The records a committed reader sees through librdkafka, as every service here does.
import Kafka
import TestSupport

func readCommitted(_ bootstrap: String, _ topic: String, _ partition: Int32 = 0) throws -> [String] {
    let reader = try Reader(KafkaSettings(bootstrap: bootstrap), clientID: "reader")
    defer { reader.close() }
    let place = TopicPartition(topic: topic, partition: partition)
    let end = try reader.watermarks(place, timeoutMilliseconds: 10_000).high
    try reader.assign([Position(topic: topic, partition: partition, offset: 0)])
    var values: [String] = []
    try eventually(timeout: 20, "reading \(place) to \(end)", every: 0) {
        switch reader.poll(timeoutMilliseconds: 50) {
        case .record(let record): values.append(record.value.map { String(decoding: $0, as: UTF8.self) } ?? "null")
        case .failed(let error) where error.remedy != .retry: throw error
        case .failed, .idle, .end: break
        }
        return (reader.position(of: place) ?? 0) >= end
    }
    return values
}
