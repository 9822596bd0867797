// Reads whole topics for people: from a place to another, or on and on. Joins no group and leaves no trace.
package import Kafka
import Platform

/// Belongs to one thread.
package final class TopicReader {
    package enum Start {
        case beginning, end
        /// The first record that is not older.
        case time(milliseconds: Int64)
    }

    private static let callMilliseconds: Int32 = 15_000

    private let reader: Reader
    private var ends: [TopicPartition: Int64] = [:]

    /// Topics that do not exist are left out, unless none does.
    package init(_ topics: [String], from start: Start, kafka: KafkaSettings) throws {
        let counts = try Admin.describeTopics(topics, kafka, timeoutMilliseconds: Self.callMilliseconds)
        let partitions = topics.flatMap { topic in
            (0..<(counts[topic] ?? 0)).map { TopicPartition(topic: topic, partition: Int32($0)) }
        }
        guard !partitions.isEmpty else {
            throw Failure("there is no topic '\(topics.joined(separator: "', '"))' on \(kafka.bootstrap)")
        }
        reader = try Reader(kafka, clientID: "tool")
        let high = try patiently { try reader.highWatermarks(partitions, timeoutMilliseconds: Self.callMilliseconds) }
        ends = Dictionary(high.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: { $1 })
        try reader.assign(try patiently { try positions(partitions, high, start) })
    }

    /// Topics that were made a moment ago have no leader yet.
    private func patiently<R>(_ call: () throws -> R) throws -> R {
        let deadline = Clock.monotonicMilliseconds() + Int64(Self.callMilliseconds)
        while true {
            do {
                return try call()
            } catch let error as KafkaError where error.remedy == .retry && Clock.monotonicMilliseconds() < deadline {
                Pause.milliseconds(50)
            }
        }
    }

    private func positions(_ partitions: [TopicPartition], _ high: [Position], _ start: Start) throws -> [Position] {
        switch start {
        case .end: return high
        case .time(let milliseconds):
            let found = try reader.offsets(
                partitions, atTimestampMilliseconds: milliseconds, timeoutMilliseconds: Self.callMilliseconds)
            return found.map { position in
                position.offset >= 0
                    ? position
                    : Position(
                        topic: position.topic, partition: position.partition, offset: ends[position.topicPartition] ?? 0
                    )
            }
        case .beginning:
            return try partitions.map { partition in
                let (low, _) = try reader.watermarks(partition, timeoutMilliseconds: Self.callMilliseconds)
                return Position(topic: partition.topic, partition: partition.partition, offset: low)
            }
        }
    }

    /// How many records there were between the start and the end when reading began; control records count.
    package var backlog: Int64 {
        ends.reduce(0) { $0 + max(0, $1.value - (reader.position(of: $1.key) ?? $1.value)) }
    }

    /// The next record, or nil when there was none in time.
    package func next(timeoutMilliseconds: Int32) throws -> Record? {
        switch reader.poll(timeoutMilliseconds: timeoutMilliseconds) {
        case .record(let record): return record
        case .end, .idle: return nil
        case .failed(let error) where error.remedy == .retry: return nil
        case .failed(let error): throw error
        }
    }

    /// Everything that was there when reading began, oldest first as far as clocks can tell.
    package func readBacklog() throws -> [Record] {
        var records: [Record] = []
        try passBacklog { records.append($0) }
        return records.enumerated()
            .sorted { ($0.element.timestampMilliseconds, $0.offset) < ($1.element.timestampMilliseconds, $1.offset) }
            .map(\.element)
    }

    /// The same as it comes, in order only within a partition.
    package func passBacklog(_ take: (Record) -> Void) throws {
        var patience = Clock.monotonicMilliseconds() + Int64(Self.callMilliseconds)
        while backlog > 0 {
            if let record = try next(timeoutMilliseconds: 100) {
                take(record)
                patience = Clock.monotonicMilliseconds() + Int64(Self.callMilliseconds)
            } else if Clock.monotonicMilliseconds() > patience {
                throw Failure("the broker stopped answering \(backlog) records before the end")
            }
        }
    }

    package func close() { reader.close() }
}
