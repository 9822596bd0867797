// Calls from any thread: a mailbox, and one thread that owns the calls under way.
public import Contract
public import Kafka
public import Platform
import Synchronization
public import Wire

public final class RequestClient: Sendable {
    public typealias Completion = @Sendable (CallResult) -> Void

    private struct Mailbox {
        var calls: [(call: Call, then: Completion)] = []
        var isStopped = false
    }

    private let mailbox = Mutex(Mailbox())
    private let shown = Mutex<(inFlight: Int64, repeats: Int64)>((0, 0))
    private let wake = Wake()
    private let thread = Mutex<Thread?>(nil)
    private let limits: WorkerLimits

    /// Connected and positioned when it returns.
    public init(
        system: SystemContract, shards: Shards, kafka: KafkaSettings, instance: String, settings: Settings
    ) throws {
        limits = try WorkerLimits(settings)
        let limits = limits
        let wake = wake
        // Built here so that errors reach the caller, then handed to the thread that is their only user.
        let parts = try RequestParts(system: system, kafka: kafka, instance: instance, limits: limits, wake: wake)
        let thread = Thread(name: "requests") { [self] in run(parts) }
        self.thread.withLock { $0 = thread }
    }

    public func send(_ call: Call, then: @escaping Completion) {
        // How many calls wait for the thread, this one included.
        let waiting: Result<Int, Problem> = mailbox.withLock { box in
            if box.isStopped { return .failure(Caller.stopping) }
            if box.calls.count >= limits.callsInFlightMax {
                return .failure(.unavailable("too many requests are waiting, try again"))
            }
            box.calls.append((call: call, then: then))
            return .success(box.calls.count)
        }
        switch waiting {
        case .failure(let problem): then(.refused(problem))
        // Whoever put in the first has rung, and the thread takes all of them at once.
        case .success(let count): if count == 1 { wake.ring() }
        }
    }

    /// For metrics: calls in flight, repeats.
    public func statistics() -> JSONObject {
        let shown = shown.withLock { $0 }
        return ["inFlight": .integer(shown.inFlight), "repeats": .integer(shown.repeats)]
    }

    /// Everybody who waits has been told when it returns, and whoever comes later is told at once.
    public func stop() {
        mailbox.withLock { $0.isStopped = true }
        wake.ring()
        thread.withLock { $0.take() }?.join()
    }

    private func run(_ parts: RequestParts) {
        let caller = parts.caller
        while true {
            let (calls, isStopped) = mailbox.withLock { box in
                defer { box.calls.removeAll(keepingCapacity: true) }
                return (box.calls, box.isStopped)
            }
            if isStopped {
                for entry in calls { entry.then(.refused(Caller.stopping)) }
                break
            }
            let now = Clock.monotonicMilliseconds()
            for entry in calls { caller.send(entry.call, now: now, then: entry.then) }
            let heard = caller.turn(now: now)
            parts.transport.serve()
            let (inFlight, repeats) = (Int64(caller.inFlight), caller.repeats)
            shown.withLock { $0 = (inFlight, repeats) }
            // Answers wake us; the bound is for reports of the producer, which do not.
            if !heard && calls.isEmpty { wake.wait(milliseconds: Int32(min(100, caller.patienceLeft(now: now)))) }
        }
        caller.stop()
        parts.transport.close()
    }
}

/// What the request thread owns. Not shared: it is made on one thread and used on another, never on both.
private final class RequestParts: @unchecked Sendable {
    let caller: Caller
    let transport: KafkaTransport

    init(system: SystemContract, kafka: KafkaSettings, instance: String, limits: WorkerLimits, wake: Wake) throws {
        let partition = Topics.replyPartition(of: instance)
        // A request carries an id: one that comes twice is recognised.
        let producer = try Producer(kafka, clientID: "\(instance)-requests")
        transport = try KafkaTransport(
            settings: kafka, topics: system.topics, services: system.services.map(\.name), instance: instance,
            partition: partition, producer: producer, wake: wake)
        caller = Caller(
            topics: system.topics, instance: instance, transport: transport, limits: limits, patience: .edge,
            incarnation: Identifier.hex(bytes: 4))
    }
}
