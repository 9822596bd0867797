// One loop on a broker in memory, for what a single batch does: records go in, answers and dead letters come out.
import Contract
import Kafka
import TestSupport
import Wire

@testable import Worker

final class LoopBench {
    let broker: ModelBroker
    let log: ModelLog
    let loop: WorkerLoop
    private let shards: Shards
    private var calls: Int64 = 0

    private static let replyPartition: Int32 = 1

    /// Two shards: odd ids live in the first, even ones in the second.
    static func with(_ service: Service, _ system: SystemContract, _ body: (LoopBench) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let bench = LoopBench(service, system, directory: directory)
            defer { bench.loop.close() }
            try eventually(timeout: 10, "the shards", every: 0) {
                try bench.step()
                return bench.loop.isReady && bench.loop.custody.all.count == 2
            }
            try body(bench)
        }
    }

    private init(_ service: Service, _ system: SystemContract, directory: String) {
        shards = Shards(count: 2)
        broker = ModelBroker(seed: 1, topics: system.topics, service: service.contract.name, shardCount: 2)
        broker.isRough = false
        let clock = broker.clock
        log = ModelLog(member: 0, broker: broker)
        let caller = Caller(
            topics: system.topics, instance: "w", transport: ModelTransport(broker, replyPartition: 0),
            limits: WorkerLimits(), patience: .service, incarnation: "1", wall: clock.wall)
        caller.replyPartition = 0
        let identity = ShardIdentity(
            cluster: "model", system: system.name, service: service.contract.name, shard: 0, shardCount: 2)
        loop = WorkerLoop(
            service: service, system: system, identity: identity, directory: directory, log: log, caller: caller,
            limits: WorkerLimits(), clock: clock)
        log.keeper = loop
        broker.join(log)
    }

    func step() throws {
        broker.now += 5
        broker.tick()
        try loop.step { _ in }
    }

    /// A call as an edge would send it; its key is its id.
    func request(_ method: Contract.Method, _ path: String, _ body: JSONObject? = nil, home: Int64, key: String) {
        calls += 1
        let message = RequestMessage(
            id: key, call: calls, method: method, path: path, replyTo: Self.replyPartition, requester: "edge",
            deadlineMilliseconds: broker.now + broker.wallOffset + 60_000, ifMatch: nil, trace: TraceContext(),
            correlation: nil, body: body?.bytes ?? [])
        broker.append(
            message.record(topic: broker.topics.requests(broker.service), shard: shards.owner(of: home) ?? 0))
    }

    /// Steps until all input is committed and nothing waits.
    func settle() throws {
        try eventually(timeout: 20, "an end of the input", every: 0) {
            try step()
            return broker.isDrained && loop.parking.count == 0
        }
    }

    /// Status by key of everything answered so far.
    var replies: [String: Int64] {
        byKey { $0.headers.number(HeaderName.status) ?? 0 }
    }

    /// Its text by key.
    var answers: [String: String] {
        byKey { String(decoding: $0.value ?? [], as: UTF8.self) }
    }

    private func byKey<Value>(_ value: (Record) -> Value) -> [String: Value] {
        let place = TopicPartition(topic: broker.topics.replies, partition: Self.replyPartition)
        let answers = broker.records(place).map { ($0.header(HeaderName.id) ?? "", value($0)) }
        return Dictionary(answers) { $1 }
    }

    var letters: [Record] { broker.records(TopicPartition(topic: broker.topics.deadLetters, partition: 0)) }
}
