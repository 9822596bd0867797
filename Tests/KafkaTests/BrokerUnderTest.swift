// The brokers these tests run against, and small helpers that make a test read as a story.
import Foundation
import Kafka
import TestSupport
import Testing

/// Every test runs against each of these that can be had.
enum BrokerUnderTest: String, CaseIterable, CustomTestStringConvertible {
    case embedded
    case apacheKafka

    static var available: [BrokerUnderTest] {
        ApacheKafka.isAvailable ? [.embedded, .apacheKafka] : [.embedded]
    }

    var testDescription: String { rawValue }

    var settings: KafkaSettings {
        get throws {
            switch self {
            case .embedded: KafkaSettings(bootstrap: try SharedEmbeddedBroker.shared.get().bootstrap)
            case .apacheKafka: KafkaSettings(bootstrap: try ApacheKafka.shared.get().bootstrap)
            }
        }
    }

    /// A topic of the test's own.
    func topic(partitions: Int = 1, configs: [String: String] = [:]) throws -> String {
        let name = "t-" + UUID().uuidString.lowercased()
        let created = try Admin.createTopics(
            [TopicSpec(name: name, partitions: partitions, configs: configs)], settings)
        guard created.first?.outcome == .created else { throw Failed("topic not created: \(created)") }
        return name
    }
}

func unique(_ prefix: String) -> String { prefix + "-" + UUID().uuidString.lowercased().prefix(8) }

extension OutgoingRecord {
    init(_ topic: String, _ partition: Int32 = 0, key: String? = nil, _ value: String?) {
        self.init(
            topic: topic, partition: partition, key: key.map { Array($0.utf8) }, value: value.map { Array($0.utf8) })
    }
}

extension Record {
    var text: String? { value.map { String(decoding: $0, as: UTF8.self) } }
}

extension Reader {
    /// Everything from the start of a partition up to its high watermark.
    func readAll(_ topic: String, _ partition: Int32 = 0, from offset: Int64 = 0) throws -> [Record] {
        let place = TopicPartition(topic: topic, partition: partition)
        let high = try watermarks(place, timeoutMilliseconds: 10_000).high
        try assign([Position(topic: topic, partition: partition, offset: offset)])
        var records: [Record] = []
        try eventually(timeout: 20, "reading \(place) up to \(high)", every: 0) {
            switch poll(timeoutMilliseconds: 100) {
            case .record(let record): records.append(record)
            case .failed(let error) where error.remedy != .retry: throw error
            case .failed, .idle, .end: break
            }
            return (position(of: place) ?? 0) >= high
        }
        return records
    }
}

/// Assigns everything from the group's offsets, or from the start where there are none.
final class Assigner: RebalanceListener {
    var assigned: [TopicPartition] = []
    var assignments = 0
    var revocations: [(partitions: [TopicPartition], lost: Bool)] = []
    var metadata: GroupMetadata?

    func assigned(_ partitions: [TopicPartition], by consumer: GroupConsumer) -> [Position]? {
        assignments += 1
        assigned += partitions
        metadata = try? consumer.groupMetadata()
        return try? consumer.committed(partitions, timeoutMilliseconds: 20_000).map {
            Position(topic: $0.topic, partition: $0.partition, offset: max(0, $0.offset))
        }
    }

    func revoked(_ partitions: [TopicPartition], lost: Bool) {
        revocations.append((partitions, lost))
        assigned.removeAll { partitions.contains($0) }
    }
}

extension GroupConsumer {
    /// Polls until `condition` holds, for tests that want no records.
    func pollUntil(_ what: String, _ condition: () -> Bool) throws {
        try eventually(timeout: 30, what, every: 0) {
            if case .failed(let error) = poll(timeoutMilliseconds: 50), error.remedy != .retry { throw error }
            return condition()
        }
    }
}
