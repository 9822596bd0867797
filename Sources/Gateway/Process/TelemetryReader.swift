// Follows the topic of the workers' heartbeats, from now on.
import Kafka
import Platform
import Synchronization

final class TelemetryReader: Sendable {
    private let isStopped = Atomic(false)
    private let thread = Mutex<Thread?>(nil)
    private let kafka: KafkaSettings
    private let partition: TopicPartition
    private let clientID: String
    private let telemetry: Telemetry

    private static let pollMilliseconds: Int32 = 200
    private static let pauseMilliseconds: Int64 = 500

    init(_ telemetry: Telemetry, topic: String, kafka: KafkaSettings, instance: String) {
        self.telemetry = telemetry
        self.kafka = kafka
        partition = TopicPartition(topic: topic, partition: 0)
        clientID = "\(instance)-telemetry"
        let thread = Thread(name: "telemetry") { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        thread.withLock { $0.take() }?.join()
    }

    private var goesOn: Bool { !isStopped.load(ordering: .relaxed) }

    /// Metrics are no reason to end a process: whatever fails is tried again.
    private func run() {
        while goesOn {
            do {
                try follow()
            } catch {
                Log.debug("telemetry cannot be read", ["error": LogValue(describing: error)])
                Pause.milliseconds(Self.pauseMilliseconds)
            }
        }
    }

    private func follow() throws(KafkaError) {
        let reader = try Reader(kafka, clientID: clientID, readCommitted: false)
        defer { reader.close() }
        try reader.assign(reader.highWatermarks([partition], timeoutMilliseconds: 5000))
        while goesOn {
            switch reader.poll(timeoutMilliseconds: Self.pollMilliseconds) {
            case .record(let record):
                telemetry.hear(record.value ?? [], nowMilliseconds: Clock.monotonicMilliseconds())
            case .failed(let error) where error.isOffsetOutOfRange || error.remedy == .giveUp: throw error
            case .failed: Pause.milliseconds(Self.pauseMilliseconds)
            case .idle, .end: break
            }
        }
    }
}
