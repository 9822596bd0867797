// A private system on free ports in a folder of its own, with clients at work: what every drill happens on.
import Contract
import Glibc
import Kafka
import Operations
import Platform
import Wire

/// Belongs to the thread that starts the processes.
final class Stage {
    private static let startMilliseconds: Int64 = 90_000
    private static let progressMilliseconds: Int64 = 2_000
    private static let progressMillisecondsLater: Int64 = 15_000
    /// A drill that makes no headway for so long has failed.
    private static let standstillMilliseconds: Int64 = 240_000

    let plan: Plan
    let system: SystemDescription
    let scenario: any DrillScenario
    let ledger = Ledger()
    let run: RunDirectory
    let crew: Crew
    let style: Style
    let shards: Int32
    var random: DrillRandom
    private(set) var kafka: KafkaSettings
    private(set) var gateways: [Address] = []
    private let settings: Settings
    private let executable: String
    private let local: LocalSystem
    private let broker: Program
    private let unit: String
    private let loadSwitch = LoadSwitch()

    init(_ call: Invocation, _ plan: Plan, _ script: DrillScript, environment: [String: String]) throws {
        self.plan = plan
        system = call.system
        unit = script.unit
        scenario = script.make(plan.seed)
        style = Style(settings: call.settings)
        random = DrillRandom(seed: plan.seed, stream: 0)
        let names = system.services.map(\.contract.name) + [LocalSystem.gateway]
        let replicas = try Replicas(plan.replicas, known: names)
        if let absent = names.first(where: { replicas.count($0) == 0 }) {
            throw UsageError("--replicas: a drill needs at least one \(absent)")
        }
        let temporary = call.settings.text("TMPDIR", default: "/tmp")
        // With the time, since what a drill left behind stays, and a container gives every process the same number.
        let number = "\(getpid())-\(String(Clock.wallMilliseconds(), radix: 36))"
        run = RunDirectory("\(temporary)/\(call.system.executable)-drill-\(number)")
        var changes = [
            "RUN_DIR": run.path, "KAFKA_BOOTSTRAP": "", "KAFKA_HOME": plan.kafkaHome ?? "", "DATA_DIR": "",
            "INSTANCE": "", "LISTEN_ADDRESS": "127.0.0.1", "ACCESS_LOG": "false",
            "EDGE_DEADLINE_MILLISECONDS": "20000", "LIST_ROWS_MAX": "1000000",
        ]
        changes.merge(LocalSystem.freePorts(call.system)) { _, new in new }
        changes.merge(environment) { _, new in new }
        settings = call.settings.replacing(changes)
        try SettingsCheck.everything(call.system, settings)
        try run.prepare()
        executable = try Executable.path()
        crew = Crew(run: run, executable: executable, environment: settings.all)
        shards = try settings.integer("SHARDS", default: 12, in: 1...1000)
        let (program, address) = try BrokerChoice(settings).program(
            run: run, executable: executable, settings: settings)
        guard let program else { throw Failure("a drill needs a broker of its own") }
        broker = program
        kafka = try KafkaSettings.fromEnvironment(settings.replacing(["KAFKA_BOOTSTRAP": address.description]))
        local = LocalSystem(
            call.system, run: run, executable: executable, settings: settings, bootstrap: address.description)
    }

    // MARK: - The system

    func programs(_ replicas: String?) throws -> [Program] {
        let known = system.services.map(\.contract.name) + [LocalSystem.gateway]
        return try local.programs(try Replicas(replicas, known: known))
    }

    func start() throws {
        let programs = try programs(plan.replicas)
        try crew.add(broker)
        try crew.awaitReady(milliseconds: Self.startMilliseconds)
        _ = try TopicCreation(system.contract, settings: settings, bootstrap: kafka.bootstrap).run()
        for program in programs { try crew.add(program) }
        gateways = programs.filter { $0.tier == .gateway }
            .compactMap { Address(String($0.place.dropFirst("http://".count))) }
        try crew.awaitReady(milliseconds: Self.startMilliseconds)
        tell(
            "  \(crew.instances.count) processes are ready after \(elapsed), on "
                + (plan.kafkaHome.map { "Apache Kafka from \($0)" } ?? "the embedded broker"))
        var random = DrillRandom(seed: plan.seed, stream: 1)
        try scenario.begin(client("setup"), &random)
    }

    /// The service behind an instance: `order-0` is of `order`.
    static func service(of instance: String) -> String {
        instance.lastIndex(of: "-").map { String(instance[..<$0]) } ?? instance
    }

    func client(_ name: String, first: Int = 0) -> DrillClient {
        DrillClient(
            name: name, ledger: ledger,
            connection: HTTPConnection(gateways, first: first, timeoutMilliseconds: DrillClient.attemptMilliseconds))
    }

    // MARK: - The load

    /// Runs the clients until all units are done, and the trouble beside them.
    func load(_ trouble: inout some Trouble) throws {
        let clients = (0..<plan.clients).map { startClient($0) }
        defer {
            loadSwitch.isOver.store(true, ordering: .relaxed)
            for client in clients { client.join() }
        }
        var told = Clock.monotonicMilliseconds()
        let begun = told
        var headway = Headway(patienceMilliseconds: Self.standstillMilliseconds)
        while true {
            try crew.turn()
            try trouble.tick(self)
            loadSwitch.isHeld.store(trouble.isBusy, ordering: .relaxed)
            let now = Clock.monotonicMilliseconds()
            if !crew.isWell(broker.instance) { ledger.brokerAway.store(now, ordering: .relaxed) }
            let tally = ledger.tally
            if tally.units >= plan.units && !trouble.isBusy { break }
            if now - told >= (now - begun < 60_000 ? Self.progressMilliseconds : Self.progressMillisecondsLater) {
                told = now
                tell(progress(tally))
            }
            try headway.check(tally)
            Pause.milliseconds(5)
        }
        // What is under way ends well or badly while everything is started again.
        loadSwitch.isOver.store(true, ordering: .relaxed)
        crew.resumeAll()
        // Who was told to stop a moment ago still counts as ready, and clients wait for its successor.
        while loadSwitch.working.load(ordering: .relaxed) > 0 {
            try crew.turn()
            Pause.milliseconds(5)
        }
        try crew.awaitReady(milliseconds: Self.startMilliseconds)
        tell(progress(ledger.tally))
    }

    private func startClient(_ number: Int) -> Platform.Thread {
        let work = ClientWork(
            scenario: scenario, ledger: ledger, plan: plan, number: number, gateways: gateways,
            started: Clock.monotonicMilliseconds(), load: loadSwitch)
        loadSwitch.working.add(1, ordering: .relaxed)
        return Thread(name: "client-\(number)") { [loadSwitch] in
            work.run()
            loadSwitch.working.subtract(1, ordering: .relaxed)
        }
    }

    private func progress(_ tally: Ledger.Tally) -> String {
        let errors = tally.errorStatuses.values.reduce(0, +)
        return "  \(elapsed.padded(to: 10, left: true))  \(tally.units)/\(plan.units) \(unit), "
            + "\(ledger.writeCount) writes, \(crew.blowCount) blows, \(crew.restartCount) restarts, slowest answer "
            + "\(Readable.duration(milliseconds: tally.slowestMilliseconds)), \(errors) × 5xx"
    }

    var elapsed: String { ledger.elapsed }

    func tell(_ line: String) { plan.tell(line) }
}
