// Signs of life of a process: the loop's thread leaves them, another thread shows them to probes and to the telemetry
// topic, and ends the process when the loop has stood still for too long.
import Glibc
import Kafka
import Platform
import Synchronization
import Wire

public final class Vitals: Sendable {
    private struct State {
        var isReady = false
        var reason = "starting"
        var shards: [Int32] = []
        var lag: [Int32: Int64] = [:]
        var counters = JSONObject()
        var gauges = JSONObject()
        var breakers: [(target: String, state: String)] = []
    }

    private let state = Mutex(State())
    private let lastTurn = Atomic<Int64>(Clock.monotonicMilliseconds())
    private let isStopped = Atomic<Bool>(false)
    private let path: String
    private let service: String
    private let instance: String
    private let watchdogMilliseconds: Int64

    static let shownEveryMilliseconds: Int64 = 500
    static let publishedEveryMilliseconds: Int64 = 2_000
    /// Exit status of a process whose loop stood still.
    public static let watchdogStatus: Int32 = 70

    init(directory: String, service: String, instance: String, limits: WorkerLimits) {
        path = "\(directory)/health"
        self.service = service
        self.instance = instance
        watchdogMilliseconds = limits.watchdogMilliseconds
    }

    // MARK: - Left by the loop

    func beat() { lastTurn.store(Clock.monotonicMilliseconds(), ordering: .relaxed) }

    func waiting(for reason: String) {
        beat()
        state.withLock { state in
            state.isReady = false
            state.reason = reason
        }
    }

    func ready(_ isReady: Bool, shards: [Int32]) {
        beat()
        state.withLock { state in
            state.isReady = isReady
            state.reason = isReady ? "" : "waiting for shards"
            state.shards = shards
        }
    }

    func note(_ counters: Counters, breakers: [(service: String, state: String)], lag: [Int32: Int64]) {
        state.withLock { state in
            state.counters = counters.counters
            state.gauges = counters.gauges
            state.breakers = breakers.map { (target: $0.service, state: $0.state) }
            state.lag = lag
        }
    }

    // MARK: - Shown by the other thread

    func show(on producer: Producer, topic: String) -> Platform.Thread {
        Thread(name: "vitals") { [self] in
            var published: Int64 = 0
            while !isStopped.load(ordering: .relaxed) {
                writeHealth()
                watch()
                let now = Clock.monotonicMilliseconds()
                if now - published >= Self.publishedEveryMilliseconds {
                    published = now
                    // Telemetry that cannot be sent is not missed: the next one comes soon.
                    try? producer.send(
                        OutgoingRecord(topic: topic, partition: 0, key: Array(instance.utf8), value: telemetry().bytes))
                }
                Pause.milliseconds(Self.shownEveryMilliseconds)
            }
        }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        state.withLock { state in
            state.isReady = false
            state.reason = "stopping"
        }
        writeHealth()
    }

    func writeHealth() {
        let silence = Clock.monotonicMilliseconds() - lastTurn.load(ordering: .relaxed)
        let health: JSONObject = state.withLock { state in
            [
                "time": .integer(Clock.wallMilliseconds()), "pid": .integer(Int64(getpid())),
                "ready": .bool(state.isReady), "silentMilliseconds": .integer(silence),
                "shards": .integer(Int64(state.shards.count)),
                "lag": .integer(state.lag.values.reduce(0, +)), "reason": .string(state.reason),
            ]
        }
        // A full disk shows itself where it hurts; a probe then finds an old file, which is the truth.
        try? FileSystem.replace(path, with: health.text + "\n")
    }

    private func watch() {
        let silence = Clock.monotonicMilliseconds() - lastTurn.load(ordering: .relaxed)
        guard silence > watchdogMilliseconds else { return }
        Log.error("the loop has stood still, ending the process", ["milliseconds": LogValue(silence)])
        _exit(Self.watchdogStatus)
    }

    private func telemetry() -> JSONObject {
        state.withLock { state in
            [
                "instance": .string(instance), "service": .string(service),
                "time": .integer(Clock.wallMilliseconds()), "ready": .bool(state.isReady),
                "counters": .object(state.counters), "gauges": .object(state.gauges),
                "breakers": .array(
                    state.breakers.map { ["target": .string($0.target), "state": .string($0.state)] }),
                "shards": .array(
                    state.shards.map { ["shard": .integer(Int64($0)), "lag": .integer(state.lag[$0] ?? 0)] }),
            ]
        }
    }
}
