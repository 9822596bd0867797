// One worker from start to end: waits for Kafka, takes its shards, turns the loop until told to stop.
public import Contract
import Glibc
public import Kafka
public import Platform
import SQLite
public import Wire

/// What something that runs beside the loop in the same process may use.
public struct WorkerContext: Sendable {
    public let system: SystemContract
    public let shards: Shards
    public let kafka: KafkaSettings
    public let instance: String
    public let settings: Settings
}

public struct WorkerProcess {
    /// Starts something beside the loop and returns what stops it.
    public typealias Companion = (WorkerContext) throws -> @Sendable () -> Void

    /// Returns the exit status: 0 after SIGTERM, else 1 or 2 for an error that the log names in one line.
    public static func run(
        service: Service, system: SystemContract, instance: String, directory: String, settings: Settings = .process,
        beside companion: Companion? = nil
    ) -> Int32 {
        do {
            try Log.start(
                settings: settings,
                context: ["service": LogValue(service.contract.name), "instance": LogValue(instance)])
            let limits = try WorkerLimits(settings)
            try FileSystem.makeDirectories(directory)
            let process = WorkerProcess(
                service: service, system: system, instance: instance, directory: directory, settings: settings,
                limits: limits)
            return try process.run(companion)
        } catch {
            let status = SettingsError.exitStatus(of: error)
            Log.error("ended: \(error)", ["status": LogValue(status)])
            return status
        }
    }

    private let service: Service
    private let system: SystemContract
    private let instance: String
    private let directory: String
    private let settings: Settings
    private let limits: WorkerLimits
    private let stop = StopSignal()
    private let vitals: Vitals

    private init(
        service: Service, system: SystemContract, instance: String, directory: String, settings: Settings,
        limits: WorkerLimits
    ) {
        self.service = service
        self.system = system
        self.instance = instance
        self.directory = directory
        self.settings = settings
        self.limits = limits
        stop.endsProcess(afterMilliseconds: limits.stopMilliseconds)
        vitals = Vitals(directory: directory, service: service.contract.name, instance: instance, limits: limits)
    }

    private func run(_ companion: Companion?) throws -> Int32 {
        let started = Clock.monotonicMilliseconds()
        vitals.writeHealth()
        let kafka = try KafkaSettings.fromEnvironment(settings)
        guard let facts = try waitForCluster(kafka) else { return 0 }
        // Requests and replies carry ids: one that comes twice is recognised.
        let replies = neverClosed(try Producer(kafka, clientID: "\(instance)-replies"))
        let shown = vitals.show(on: replies, topic: system.topics.telemetry)
        defer {
            vitals.stop()
            shown.join()
        }
        let log = neverClosed(
            try KafkaLog(
                settings: kafka, topics: system.topics, service: service.contract.name, instance: instance,
                limits: limits, replies: replies))
        // What takes its time at the start is seen to live, and stops when it is told to.
        let goesOn = { [vitals, stop] in
            vitals.beat()
            return !stop.isRequested
        }
        guard try log.prepare(while: goesOn) else { return 0 }
        let loop = try makeLoop(kafka, facts, log, replies)
        log.keeper = loop
        loop.custody.goesOn = goesOn
        let stopCompanion = try companion?(
            WorkerContext(system: system, shards: facts.shards, kafka: kafka, instance: instance, settings: settings))
        if try log.join(wake: stop.wake, while: goesOn) {
            Log.info("joined the group", ["milliseconds": LogValue(Clock.monotonicMilliseconds() - started)])
        }
        try turn(loop) { !stop.isRequested }
        if let stopCompanion { try drain(stopCompanion, loop) }
        do { try loop.finish() } catch { Log.warning("stopped in the middle of something: \(error)") }
        loop.close()
        log.close()
        Log.info("stopped")
        return 0
    }

    /// What the companion lets finish may be work of this very loop: it goes on until the companion is done.
    private func drain(_ stopCompanion: @escaping @Sendable () -> Void, _ loop: WorkerLoop) throws {
        let isDone = Flag()
        let thread = Thread(name: "drain") {
            stopCompanion()
            isDone.raise()
        }
        try turn(loop) { !isDone.isRaised }
        thread.join()
    }

    private func waitForCluster(_ kafka: KafkaSettings) throws -> Cluster.Facts? {
        var told = ""
        let services = system.services.map(\.name)
        return try Cluster.waitForTopics(of: system, services: services, kafka: kafka) { problem in
            vitals.waiting(for: problem)
            vitals.writeHealth()
            if problem != told { Log.warning("waiting", ["for": LogValue(problem)]) }
            told = problem
            return !stop.isRequested
        }
    }

    private func makeLoop(_ kafka: KafkaSettings, _ facts: Cluster.Facts, _ log: KafkaLog, _ replies: Producer) throws
        -> WorkerLoop
    {
        let partition = Topics.replyPartition(of: instance)
        let transport = neverClosed(
            try KafkaTransport(
                settings: kafka, topics: system.topics, services: system.services.map(\.name), instance: instance,
                partition: partition, producer: replies, wake: stop.wake))
        let caller = Caller(
            topics: system.topics, instance: instance, transport: transport, limits: limits, patience: .service,
            incarnation: Identifier.hex(bytes: 4))
        let identity = ShardIdentity(
            cluster: facts.id, system: system.name, service: service.contract.name, shard: 0,
            shardCount: facts.shards.count)
        return WorkerLoop(
            service: service, system: system, identity: identity, directory: directory, log: log, caller: caller,
            limits: limits)
    }

    private func turn(_ loop: WorkerLoop, while goesOn: () -> Bool) throws {
        var noted: Int64 = 0
        var wasReady = false
        while goesOn() {
            do {
                try loop.step { milliseconds in stop.wake.wait(milliseconds: Int32(clamping: milliseconds)) }
            } catch let failure as StoreFailure {
                throw FatalError(loop.custody.discardIfDamaged(failure))
            } catch let error as SQLiteError {
                throw FatalError(loop.custody.discardIfDamaged(StoreFailure(error)))
            } catch  where stop.isRequested {
                // What is open of a batch that failed half-way must never be committed: not by the turns of a drain, and
                // not at the end.
                loop.close()
                return Log.warning("stopped in the middle of something: \(error)")
            }
            vitals.beat()
            let now = Clock.monotonicMilliseconds()
            guard now - noted >= 500 || wasReady != loop.isReady else { continue }
            noted = now
            if wasReady != loop.isReady { Log.info(loop.isReady ? "ready" : "not ready") }
            wasReady = loop.isReady
            vitals.ready(wasReady, shards: loop.custody.all.map(\.number))
            loop.refreshGauges()
            vitals.note(loop.counters, breakers: loop.caller.breakerStates(now: now), lag: loop.lag())
        }
    }
}
