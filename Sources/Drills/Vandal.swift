// Puts on the topics what does not belong there: garbage, events a second time, events in the wrong place. It notes
// what must become of each, so that the dead letters can be counted.
import Contract
import Kafka
import Operations
import Platform
import Synchronization
import Wire
import Worker

final class Vandal: Sendable {
    /// On everything it plants; the value is unique.
    static let header = "drill"

    struct Planted: Sendable {
        let token: String
        let topic: String
        let value: [UInt8]
        /// Services that must bury it, each once.
        let buriedBy: [String]
    }

    struct Notes: Sendable {
        var planted: [Planted] = []
        var duplicates = 0
        var lost = 0
        var problem: String?
    }

    private let system: SystemContract
    private let shards: Int32
    private let kafka: KafkaSettings
    private let scenario: any DrillScenario
    private let pauseMilliseconds: Int64
    private let seed: UInt64
    private let notes = Mutex(Notes())
    private let isStopped = Atomic(false)

    init(
        system: SystemContract, shards: Int32, kafka: KafkaSettings, scenario: any DrillScenario, seed: UInt64,
        pauseMilliseconds: Int64
    ) {
        self.system = system
        self.shards = shards
        self.kafka = kafka
        self.scenario = scenario
        self.seed = seed
        self.pauseMilliseconds = pauseMilliseconds
    }

    var result: Notes { notes.withLock { $0 } }

    func start() -> Platform.Thread {
        Thread(name: "vandal") { [self] in
            do { try work() } catch { notes.withLock { $0.problem = String(describing: error) } }
        }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    private func work() throws {
        var random = DrillRandom(seed: seed, stream: 1_000)
        let producer = try Producer(kafka, clientID: "vandal", deliveryTimeoutMilliseconds: 120_000)
        let reader = try TopicReader([system.topics.events], from: .end, kafka: kafka)
        defer { reader.close() }
        var recent: [Record] = []
        var number = 0
        while !isStopped.load(ordering: .relaxed) {
            let next = Clock.monotonicMilliseconds() + pauseMilliseconds
            while Clock.monotonicMilliseconds() < next && !isStopped.load(ordering: .relaxed) {
                guard let record = try reader.next(timeoutMilliseconds: 50) else { continue }
                if record.header(Self.header) == nil { recent.append(record) }
                if recent.count > 50 { recent.removeFirst() }
            }
            number += 1
            try plant("drill-\(seed)-\(number)", among: recent, producer, &random)
            producer.serve(timeoutMilliseconds: 0)
        }
        try producer.flush(timeoutMilliseconds: 120_000)
        producer.serve(timeoutMilliseconds: 0)
        notes.withLock { $0.lost = producer.failedDeliveries }
    }

    private func plant(
        _ token: String, among recent: [Record], _ producer: Producer, _ random: inout DrillRandom
    ) throws {
        let old = random.element(of: recent)
        let mark = Header(Self.header, token)
        if random.below(100) < 60, let old {
            guard let event = try JSON(parsing: old.value ?? []).object else { return }
            // With one shard no partition is the wrong one.
            if shards == 1 || random.below(4) > 0 {
                guard scenario.mayComeTwice(event) else { return }
                try producer.send(copy(of: old, to: old.partition, mark))
                notes.withLock { $0.duplicates += 1 }
            } else {
                let stray = copy(of: old, to: (old.partition + 1) % shards, mark)
                try producer.send(stray)
                note(token, stray, buriedBy: reacting(to: event["eventType"]?.string ?? ""))
            }
            return
        }
        try plantGarbage(token, mark, producer, &random)
    }

    private func copy(of record: Record, to partition: Int32, _ mark: Header) -> OutgoingRecord {
        OutgoingRecord(
            topic: record.topic, partition: partition, key: record.key, value: record.value,
            headers: record.headers + [mark])
    }

    private func plantGarbage(
        _ token: String, _ mark: Header, _ producer: Producer, _ random: inout DrillRandom
    ) throws {
        let everybody = system.services.map(\.name)
        let service = random.element(of: everybody) ?? ""
        let type = random.element(of: system.services.flatMap(\.policies)) ?? ""
        let events = system.topics.events
        let chance = random.below(8)
        if chance == 7 { return try plantState(service, token, mark, producer, &random) }
        let (topic, text, buriedBy): (String, String, [String]) =
            switch chance {
            case 0: (events, "{}", everybody)
            case 1: (events, "this is no JSON: \(token)", everybody)
            case 2: (events, #"{"eventType":"\#(type)","note":"\#(token)"}"#, reacting(to: type))
            case 3: (events, #"{"eventType":"NobodyKnows","note":"\#(token)"}"#, [])
            case 4: (system.topics.requests(service), #"{"note":"\#(token)"}"#, [service])
            case 5: (system.topics.replies, "no reply: \(token)", [])
            default: (system.topics.telemetry, "no telemetry: \(token)", [])
            }
        let count =
            topic == system.topics.replies
            ? Topics.replyPartitions : topic == system.topics.telemetry ? 1 : shards
        let record = OutgoingRecord(
            topic: topic, partition: Int32(random.below(Int(count))), key: nil, value: Array(text.utf8),
            headers: [mark])
        try producer.send(record)
        note(token, record, buriedBy: buriedBy)
    }

    private func plantState(
        _ service: String, _ token: String, _ mark: Header, _ producer: Producer, _ random: inout DrillRandom
    ) throws {
        let record = StateGarbage(
            topic: system.topics.state(service), partition: Int32(random.below(Int(shards))), token: token, mark: mark
        ).record(&random)
        try producer.send(record)
        note(token, record, buriedBy: [])
    }

    private func reacting(to type: String) -> [String] {
        system.services.filter { $0.policies.contains(type) }.map(\.name)
    }

    private func note(_ token: String, _ record: OutgoingRecord, buriedBy services: [String]) {
        notes.withLock {
            $0.planted.append(
                Planted(token: token, topic: record.topic, value: record.value ?? [], buriedBy: services.sorted()))
        }
    }
}
