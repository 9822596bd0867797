// Calls and answers over Kafka: a producer, and a reader of the one reply partition that is ours.
import Glibc
import Kafka
import Platform
import Wire

final class KafkaTransport: CallTransport {
    private let producer: Producer
    private let reader: Reader
    private let own: TopicPartition
    private var failing = false
    /// Set: the reader's place is no longer in the log, and this is when the end of the log is asked for next.
    private var findsPlaceAt: Int64?

    private static let findPlaceMilliseconds: Int32 = 1_000

    /// Positioned when it returns: an answer to the first call cannot be missed.
    init(
        settings: KafkaSettings, topics: Topics, services: [String], instance: String, partition: Int32,
        producer: Producer, wake: Wake
    ) throws {
        self.producer = producer
        try producer.warmUp(topics: services.map(topics.requests), timeoutMilliseconds: 10_000)
        reader = try Reader(settings, clientID: "\(instance)-replies")
        own = TopicPartition(topic: topics.replies, partition: partition)
        try waitForPlace()
        reader.wake(wake.fileDescriptor)
    }

    /// Topics that were made a moment ago may have no leader yet.
    private func waitForPlace() throws(KafkaError) {
        let deadline = Clock.monotonicMilliseconds() + 30_000
        while true {
            do throws(KafkaError) {
                _ = try goToEnd(timeoutMilliseconds: 10_000)
                return
            } catch {
                guard error.remedy == .retry, Clock.monotonicMilliseconds() < deadline else { throw error }
                Pause.milliseconds(50)
            }
        }
    }

    /// Reads on where the log ends now. A number, never "latest": that would be resolved too late for the first answer.
    private func goToEnd(timeoutMilliseconds: Int32) throws(KafkaError) -> Int64 {
        let end = try reader.watermarks(own, timeoutMilliseconds: timeoutMilliseconds).high
        try reader.assign([Position(topic: own.topic, partition: own.partition, offset: end)])
        return end
    }

    func send(_ record: OutgoingRecord) throws { try producer.send(record) }

    func nextReply() -> Record? {
        if findsPlaceAt != nil && !findPlace() { return nil }
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
                if error.isOffsetOutOfRange { findsPlaceAt = 0 } else if error.remedy == .giveUp { end(error) }
                return nil
            }
        }
    }

    /// Goes on where the log ends now: after a sleep longer than the replies are kept, or when the topic was made anew. The
    /// library reads no further by itself then, and says nothing more. Calls under way are repeated and answered there.
    private func findPlace() -> Bool {
        let now = Clock.monotonicMilliseconds()
        guard let due = findsPlaceAt, now >= due else { return false }
        do {
            let end = try goToEnd(timeoutMilliseconds: Self.findPlaceMilliseconds)
            findsPlaceAt = nil
            Log.warning("replies are read from the end of their topic on", ["offset": LogValue(end)])
            return true
        } catch {
            // Asked now and then only: the thread that waits here has other work.
            findsPlaceAt = Clock.monotonicMilliseconds() + Int64(Self.findPlaceMilliseconds)
            return false
        }
    }

    /// Without answers every call would end in 504 while the process looks well: the next one begins anew.
    private func end(_ error: KafkaError) -> Never {
        Log.error("ended: replies cannot be read any more: \(error)", ["status": 1])
        _exit(1)
    }

    func serve() { producer.serve(timeoutMilliseconds: 0) }

    func close() {
        reader.close()
        try? producer.flush(timeoutMilliseconds: 1_000)
    }
}
