// `counter-bench BOOTSTRAP topics|write|query|events [WINDOW COUNT]`: requests to running counter workers, a window at a
// time, or a backlog of events. Tests/Bench/worker.py compares the figures with the floor under them.
import Contract
import Glibc
import Kafka
import Platform
import Synchronization
import Wire
import Worker

private let shards = Shards(count: 12)
private let system = SystemContract(
    "counting", title: "Counting", services: [ServiceContract("counter", resources: [], "Counts.")], "")

@main
enum Main {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 || arguments.count == 5 else {
            return print("usage: counter-bench BOOTSTRAP topics|write|query|events [WINDOW COUNT]")
        }
        let kafka = KafkaSettings(bootstrap: arguments[1])
        if arguments[2] == "topics" { return try createTopics(kafka) }
        if arguments[2] == "events" { return try produceEvents(kafka, count: Int(arguments[4]) ?? 1) }
        let client = try RequestClient(
            system: system, shards: shards, kafka: kafka, instance: "bench-\(getpid())", settings: .process)
        let isQuery = arguments[2] == "query"
        Run(client, isQuery: isQuery, window: 1, count: 100).finish()
        let run = Run(client, isQuery: isQuery, window: Int(arguments[3]) ?? 1, count: Int(arguments[4]) ?? 1)
        run.finish()
        print(run.summary)
        client.stop()
    }

    /// Events as a worker writes them: nothing but work for the policy.
    private static func produceEvents(_ kafka: KafkaSettings, count: Int) throws {
        let producer = try Producer(kafka, clientID: "bench", lingerMilliseconds: 5)
        try producer.warmUp(topics: [system.topics.events], timeoutMilliseconds: 10_000)
        for number in 0..<count {
            let id = Int64(number % 240) + 1
            let value: JSONObject = [
                "eventType": "Counted", "timestamp": "20260101000000", "counterId": .integer(id),
                "value": .integer(Int64(number)),
            ]
            let record = OutgoingRecord(
                topic: system.topics.events, partition: shards.owner(of: id) ?? 0, key: Array(String(id).utf8),
                value: value.bytes,
                headers: [
                    Header(HeaderName.eventSpecification, "1.0"), Header(HeaderName.eventID, "bench-\(number)"),
                    Header(HeaderName.eventType, "Counted"), Header(HeaderName.contentType, "application/json"),
                ])
            // Room in the queue is made before it is needed.
            while producer.queueLength > 50_000 { producer.serve(timeoutMilliseconds: 10) }
            try producer.send(record)
            if number % 1_000 == 0 { producer.serve(timeoutMilliseconds: 0) }
        }
        try producer.flush(timeoutMilliseconds: 60_000)
    }

    private static func createTopics(_ kafka: KafkaSettings) throws {
        let topics = system.topics
        let sharded = [topics.events, topics.requests("counter"), topics.state("counter")]
        _ = try Admin.createTopics(
            sharded.map { TopicSpec(name: $0, partitions: Int(shards.count)) }
                + [TopicSpec(name: topics.replies, partitions: Int(Topics.replyPartitions))]
                + [topics.deadLetters, topics.telemetry].map { TopicSpec(name: $0, partitions: 1) }, kafka)
    }
}

private final class Run: Sendable {
    private struct State {
        var sent = 0
        var refused = 0
        var microseconds: [Int64] = []
    }

    private let client: RequestClient
    private let isQuery: Bool
    private let count: Int
    private let state = Mutex(State())
    private let wake = Wake()
    private let began = Clock.monotonicMicroseconds()

    init(_ client: RequestClient, isQuery: Bool, window: Int, count: Int) {
        self.client = client
        self.isQuery = isQuery
        self.count = count
        for _ in 0..<window { next() }
    }

    private func next() {
        let number = state.withLock { state in
            state.sent += 1
            return state.sent
        }
        guard number <= count else { return wake.ring() }
        let id = Int64(number % 240) + 1
        let body: JSONObject = ["counterId": .integer(id), "amount": 1]
        let call = Call(
            service: "counter", shard: shards.owner(of: id) ?? 0, method: isQuery ? .get : .post,
            path: isQuery ? "/counters/\(id)" : "/increments", body: isQuery ? [] : body.bytes,
            deadlineMilliseconds: 60_000)
        let start = Clock.monotonicMicroseconds()
        client.send(call) { [self] result in
            state.withLock { state in
                state.microseconds.append(Clock.monotonicMicroseconds() - start)
                if case .answered(let reply) = result, reply.status < 500 { return }
                state.refused += 1
            }
            next()
        }
    }

    func finish() {
        while state.withLock({ $0.microseconds.count < count }) { wake.wait(milliseconds: 100) }
    }

    var summary: String {
        state.withLock { state in
            let sorted = state.microseconds.sorted()
            let rate = Int64(count) * 1_000_000 / max(1, Clock.monotonicMicroseconds() - began)
            let middle = sorted[count / 2]
            return
                "\(rate) req/s  p50 \(middle / 1000).\(middle % 1000 / 100)\(middle % 100 / 10)  p99 \(sorted[count * 99 / 100] / 1000) ms  max \(sorted[count - 1] / 1000) ms"
                + (state.refused > 0 ? "  \(state.refused) REFUSED" : "")
        }
    }
}
