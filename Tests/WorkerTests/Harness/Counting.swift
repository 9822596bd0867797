// A system of counter workers on a broker: topics of its own, workers that are started and killed, a client.
import Contract
import Foundation
import Kafka
import Platform
import TestSupport
import Wire
import Worker

@testable import counter

final class Counting {
    typealias Instance = CounterWorker

    let broker: TestBroker
    let name: String
    let system: SystemContract
    let shards: Shards
    let directory: String
    private(set) var workers: [CounterWorker] = []
    private var connected: RequestClient?
    private var connections = 0

    static let shardCount: Int32 = 4

    /// Runs `body` with fresh topics. Everything that was started is gone afterwards.
    static func with<R>(
        _ kind: BrokerKind, private isPrivate: Bool = false, shards: Int32 = shardCount, inputBytesMax: Int = 2 << 20,
        _ body: (Counting) throws -> R
    ) throws -> R {
        try TestBroker.with(kind, private: isPrivate) { broker in
            try withTemporaryDirectory { directory in
                let counting = Counting(broker, shards: shards, directory: directory)
                defer { counting.end() }
                try counting.createTopics(inputBytesMax: inputBytesMax)
                return try body(counting)
            }
        }
    }

    private init(_ broker: TestBroker, shards: Int32, directory: String) {
        self.broker = broker
        self.directory = directory
        self.shards = Shards(count: shards)
        name = "counting-" + UUID().uuidString.lowercased().prefix(8)
        system = Main.system(named: name)
    }

    var topics: Topics { system.topics }
    var service: String { system.services[0].name }

    /// With the bounds of `TopicPlan`. Those of the input may be wider, for what a compressed record becomes when it is read.
    func createTopics(
        _ names: Set<String>? = nil, shards count: Int32? = nil, inputBytesMax: Int = 2 << 20
    ) throws {
        let count = Int(count ?? shards.count)
        let big = ["max.message.bytes": String(2 << 20)]
        let input = ["max.message.bytes": String(inputBytesMax)]
        let specs = [
            TopicSpec(name: topics.events, partitions: count, configs: input),
            TopicSpec(name: topics.requests(service), partitions: count, configs: input),
            TopicSpec(
                name: topics.state(service), partitions: count,
                configs: big.merging(["cleanup.policy": "compact", "delete.retention.ms": "604800000"]) { $1 }),
            TopicSpec(
                name: topics.replies, partitions: Int(Topics.replyPartitions),
                configs: ["max.message.bytes": String(8 << 20)]),
            TopicSpec(name: topics.deadLetters, partitions: 1, configs: ["max.message.bytes": String(3 << 20)]),
            TopicSpec(name: topics.telemetry, partitions: 1),
        ].filter { names?.contains($0.name) ?? true }
        for (name, outcome) in try Admin.createTopics(specs, broker.settings) where outcome != .created {
            throw Failed("topic \(name): \(outcome)")
        }
    }

    // MARK: - Workers

    @discardableResult
    func worker(
        _ number: Int = 0, _ environment: [String: String] = [:], awaitReady: Bool = true
    ) throws -> CounterWorker {
        let worker = CounterWorker(
            self, instance: "\(name)-\(number)", directory: "\(directory)/\(number)", environment)
        workers.append(worker)
        try worker.start()
        if awaitReady { try worker.waitUntilReady() }
        return worker
    }

    private func end() {
        connected?.stop()
        for worker in workers { worker.kill() }
    }

    // MARK: - Calls

    func client() throws -> RequestClient {
        if let connected { return connected }
        let client = try newClient()
        connected = client
        return client
    }

    /// Instead of the client that `client()` would make.
    func connect(_ settings: [String: String]) throws { connected = try newClient(settings) }

    func newClient(_ settings: [String: String] = [:]) throws -> RequestClient {
        connections += 1
        return try RequestClient(
            system: system, shards: shards, kafka: broker.settings, instance: "\(name)-client-\(connections)",
            settings: Settings(
                ["REPEAT_MILLISECONDS": "200", "REPEAT_MILLISECONDS_MAX": "1000"].merging(settings) { $1 }))
    }

    func call(
        _ method: Contract.Method, _ path: String, _ body: JSONObject? = nil, home: Int64, key: String? = nil,
        ifMatch: String? = nil, milliseconds: Int64 = 60_000
    ) -> Call {
        Call(
            service: service, shard: shards.owner(of: home) ?? 0, method: method, path: path, body: body?.bytes ?? [],
            key: key, ifMatch: ifMatch, deadlineMilliseconds: milliseconds)
    }

    func increment(_ id: Int64, by amount: Int64 = 1, key: String? = nil, milliseconds: Int64 = 60_000) -> Call {
        call(
            .post, "/increments", ["counterId": .integer(id), "amount": .integer(amount)], home: id, key: key,
            milliseconds: milliseconds)
    }

    func move(_ amount: Int64, from: Int64, to: Int64, key: String? = nil, milliseconds: Int64 = 60_000) -> Call {
        call(
            .post, "/moves", ["from": .integer(from), "to": .integer(to), "amount": .integer(amount)], home: from,
            key: key, milliseconds: milliseconds)
    }

    /// Waits for the answer.
    func ask(_ call: Call) throws -> CallResult {
        let box = Box<CallResult?>(nil)
        let arrived = DispatchSemaphore(value: 0)
        try client().send(call) { result in
            box.set(result)
            arrived.signal()
        }
        guard arrived.wait(timeout: .now() + .milliseconds(Int(call.deadlineMilliseconds) + 10_000)) == .success
        else { throw Failed("no answer at all to \(call.path)") }
        guard let result = box.value else { throw Failed("no answer") }
        return result
    }

    /// Waits for an answer of this status and gives its body.
    @discardableResult
    func expect(_ status: Int, _ call: Call) throws -> JSON {
        switch try ask(call) {
        case .answered(let reply):
            let text = String(decoding: reply.body, as: UTF8.self)
            guard reply.status == status else { throw Failed("\(call.path): \(reply.status) \(text)") }
            return reply.body.isEmpty ? .null : try JSON(parsing: reply.body)
        case .refused(let problem):
            guard problem.status == status else { throw Failed("\(call.path): refused, \(problem)") }
            return .object(problem.json)
        }
    }

    func counter(_ id: Int64) throws -> (value: Int64, seen: Int64) {
        let item = try expect(200, call(.get, "/counters/\(id)", home: id))
        return (item["value"].integer ?? -1, item["seen"].integer ?? -1)
    }

    /// Waits until a counter shows this; policies run a moment after the answer.
    func waitFor(_ id: Int64, value: Int64, seen: Int64) throws {
        var last: (Int64, Int64)?
        do {
            try eventually(timeout: 60, "counter \(id)", every: 30) {
                last = try counter(id)
                return last! == (value, seen)
            }
        } catch is NeverHappened {
            throw Failed("counter \(id) is \(String(describing: last)), expected (\(value), \(seen))")
        }
    }
}

/// A value between threads.
final class Box<Value: Sendable>: @unchecked Sendable {  // behind a lock
    private let lock = NSLock()
    private var stored: Value
    init(_ value: Value) { stored = value }
    var value: Value { lock.withLock { stored } }
    func set(_ value: Value) { lock.withLock { stored = value } }
    @discardableResult
    func update<R>(_ body: (inout Value) throws -> R) rethrows -> R { try lock.withLock { try body(&stored) } }
}

/// One instance of the counter service, in whatever process it runs at the moment.
final class CounterWorker {
    let instance: String
    let directory: String
    var environment: [String: String]
    private let counting: Counting
    private(set) var child: Child?

    init(_ counting: Counting, instance: String, directory: String, _ environment: [String: String]) {
        self.counting = counting
        self.instance = instance
        self.directory = directory
        self.environment = environment
    }

    var logPath: String { directory + ".log" }
    var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }
    var isRunning: Bool { child?.exitStatus == nil && child != nil }

    func start() throws {
        try? FileManager.default.removeItem(atPath: directory + "/health")
        let basics = [
            "KAFKA_BOOTSTRAP": counting.broker.bootstrap, "COUNTING_SYSTEM": counting.name, "LOG_FORMAT": "json",
            "SESSION_MILLISECONDS": "3000", "TRANSACTION_MILLISECONDS": "5000", "SHARDS": String(counting.shards.count),
        ]
        child = try Child(
            "counter", [instance, directory], environment: basics.merging(environment) { $1 }, log: logPath)
    }

    func kill() { child?.kill() }

    func restart(_ environment: [String: String] = [:]) throws {
        kill()
        self.environment = environment
        try start()
        try waitUntilReady()
    }

    /// SIGTERM; the exit status.
    func stop(seconds: Double = 30) throws -> Int32 {
        child?.signal(SIGTERM)
        return try child?.waitForExit(seconds: seconds) ?? -1
    }

    func waitForExit(seconds: Double = 60) throws -> Int32 { try child?.waitForExit(seconds: seconds) ?? -1 }

    func waitUntilReady(seconds: Double = 60) throws {
        try eventually(timeout: seconds, "\(instance) ready, its log says: \(log.suffix(2000))", every: 10) {
            if let status = child?.exitStatus { throw Failed("\(instance) ended with \(status): \(log.suffix(3000))") }
            return health["ready"].bool == true
        }
    }

    /// What `bookstore health` would read.
    var health: JSON {
        guard let text = try? String(contentsOfFile: directory + "/health", encoding: .utf8) else { return .null }
        return (try? JSON(parsing: text)) ?? .null
    }

    func file(_ shard: Int) -> String { directory + "/shard-\(shard < 10 ? "0" : "")\(shard).sqlite" }
}
