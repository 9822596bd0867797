// Calls and answers over Kafka: a producer, and a reader of the one reply partition that is ours.
import Kafka
import Platform
import Wire

final class KafkaTransport: CallTransport {
    private let producer: Producer
    private let reader: Reader
    private var failing = false

    /// Positioned when it returns: an answer to the first call cannot be missed.
    init(
        settings: KafkaSettings, topics: Topics, services: [String], instance: String, partition: Int32,
        producer: Producer, wake: Wake
    ) throws {
        self.producer = producer
        try producer.warmUp(topics: services.map(topics.requests), timeoutMilliseconds: 10_000)
        reader = try Reader(settings, clientID: "\(instance)-replies")
        let own = TopicPartition(topic: topics.replies, partition: partition)
        // A number, never "latest": that would be resolved too late for the first answer.
        let end = try Self.end(of: own, reader)
        try reader.assign([Position(topic: own.topic, partition: own.partition, offset: end)])
        reader.wake(wake.fileDescriptor)
    }

    /// Topics that were made a moment ago may have no leader yet.
    private static func end(of partition: TopicPartition, _ reader: Reader) throws -> Int64 {
        let deadline = Clock.monotonicMilliseconds() + 30_000
        while true {
            do { return try reader.watermarks(partition, timeoutMilliseconds: 10_000).high } catch {
                guard error.remedy == .retry, Clock.monotonicMilliseconds() < deadline else { throw error }
                Pause.milliseconds(50)
            }
        }
    }

    func send(_ record: OutgoingRecord) throws { try producer.send(record) }

    func nextReply() -> Record? {
        while true {
            switch reader.poll(timeoutMilliseconds: 0) {
            case .record(let record):
                failing = false
                return record
            case .end: continue
            case .idle: return nil
            case .failed(let error):
                if !failing { Log.warning("replies cannot be read", ["error": LogValue(describing: error)]) }
                failing = true
                return nil
            }
        }
    }

    func serve() { producer.serve(timeoutMilliseconds: 0) }

    func close() {
        reader.close()
        try? producer.flush(timeoutMilliseconds: 1_000)
    }
}
