// `drill kill --target URL`: the same clients and the same judge on a system that runs already. Nobody is killed, no
// garbage is planted, and what was there before is left out of the judgement.
import Contract
import Glibc
import Kafka
import Operations
import Platform
import Wire

struct TargetDrill {
    private static let tellMilliseconds: Int64 = 5_000
    private static let greetingMilliseconds: Int64 = 5_000
    private static let standstillMilliseconds: Int64 = 120_000

    private let plan: Plan
    private let call: Invocation
    private let unit: String
    private let gateway: Address
    private let kafka: KafkaSettings
    private let scenario: any DrillScenario
    private let ledger = Ledger()
    private let crew: Crew
    private let folder: RunDirectory

    init(_ call: Invocation, _ script: DrillScript, _ plan: Plan, target: String) throws {
        let scheme = "http://"
        guard target.hasPrefix(scheme),
            let gateway = Address(String(target.dropFirst(scheme.count).prefix { $0 != "/" }))
        else { throw UsageError("--target is '\(target)', expected local or http://HOST:PORT of a gateway") }
        // What `up` has started here is found without being told.
        guard let bootstrap = call.settings.text("KAFKA_BOOTSTRAP") ?? RunDirectory(call).bootstrap else {
            throw UsageError(
                "--target also needs KAFKA_BOOTSTRAP, or the RUN_DIR of a system that runs here: the judge reads the "
                    + "events themselves")
        }
        self.plan = plan
        self.call = call
        self.gateway = gateway
        unit = script.unit
        kafka = try KafkaSettings.fromEnvironment(call.settings.replacing(["KAFKA_BOOTSTRAP": bootstrap]))
        scenario = script.make(plan.seed)
        // The same seed may come twice.
        prefix = "\(plan.seed)-\(String(Clock.wallMilliseconds(), radix: 36))-"
        folder = RunDirectory("/nonexistent")
        crew = Crew(run: folder, executable: "", environment: [:])
    }

    func run() throws -> Int32 {
        try Log.start(settings: call.settings.replacing(["LOG_LEVEL": "error"]), context: ["service": "drill"])
        plan.tell(
            "drill kill, seed \(plan.seed), on http://\(gateway): nobody is killed there, and no garbage is planted")
        let meaningless = ["victims", "every", "kills", "replicas", "broker"].filter { call.value($0) != nil }
        if !meaningless.isEmpty {
            plan.tell("  without effect there: \(meaningless.map { "--\($0)" }.joined(separator: ", "))")
        }
        var judgement = Judgement()
        do { judgement = try perform() } catch {
            judgement.accuse("the drill could not be finished: \(error)")
        }
        let report = DrillReport(
            name: "kill --target http://\(gateway)", call: call, plan: plan, ledger: ledger, crew: crew,
            judgement: judgement)
        report.publish()
        return judgement.findings.isEmpty ? 0 : 1
    }

    private func perform() throws -> Judgement {
        let greeting = HTTPConnection([gateway], first: 0, timeoutMilliseconds: Self.greetingMilliseconds)
        guard case .answered = greeting.send("GET", "/", key: nil, body: nil) else {
            throw Failure("nobody answers at http://\(gateway)")
        }
        let topic = call.system.contract.topics.events
        let topics = try Admin.listTopics(kafka, timeoutMilliseconds: Int32(Self.greetingMilliseconds))
        guard let shards = topics[topic].flatMap({ Int32(exactly: $0) }) else {
            throw Failure("there is no topic \(topic) at \(kafka.bootstrap)")
        }
        plan.tell("  \(topic) has \(shards) partitions at \(kafka.bootstrap)")
        let quiet = Quiet(system: call.system.contract, shards: shards, run: folder, kafka: kafka)
        // The end of what others have begun would be taken for the drill's, and its beginning be missed.
        _ = try quiet.wait(crew)
        let witness = Witness(system: call.system.contract, kafka: kafka)
        let before = try witness.evidence(client("before"), writes: [])
        var random = DrillRandom(seed: plan.seed, stream: 1)
        try scenario.begin(client("setup"), &random)
        try load()
        let took = try quiet.wait(crew)
        plan.tell("  quiet after another \(Readable.duration(milliseconds: took)); now the judge")
        let after = try witness.evidence(client("judge"), writes: ledger.writes)
        var judgement = scenario.judge(after.without(before, call.system.contract))
        judgement.findings += ledger.findings
        return judgement
    }

    private func load() throws {
        let switches = LoadSwitch()
        let threads = (0..<plan.clients).map { number in
            let work = ClientWork(
                scenario: scenario, ledger: ledger, plan: plan, number: number, gateways: [gateway],
                started: Clock.monotonicMilliseconds(), load: switches, prefix: prefix)
            return Platform.Thread(name: "client-\(number)") { work.run() }
        }
        defer {
            switches.isOver.store(true, ordering: .relaxed)
            for thread in threads { thread.join() }
        }
        let end = Clock.monotonicMilliseconds() + plan.lastsMilliseconds
        var told = Clock.monotonicMilliseconds()
        var headway = Headway(patienceMilliseconds: Self.standstillMilliseconds)
        while true {
            let now = Clock.monotonicMilliseconds()
            let tally = ledger.tally
            guard tally.units < plan.units || now < end else { return }
            switches.isHeld.store(now < end, ordering: .relaxed)
            if now - told >= Self.tellMilliseconds {
                told = now
                plan.tell(
                    "  \(ledger.elapsed.padded(to: 10, left: true))  \(tally.units)/\(plan.units) \(unit), \(ledger.writeCount) writes"
                )
            }
            try headway.check(tally)
            Pause.milliseconds(20)
        }
    }

    /// Keys and texts of two drills on one system must differ.
    private let prefix: String

    private func client(_ name: String) -> DrillClient {
        DrillClient(
            name: prefix + name, ledger: ledger,
            connection: HTTPConnection([gateway], first: 0, timeoutMilliseconds: DrillClient.attemptMilliseconds))
    }
}

extension Evidence {
    /// What has come since: items with ids that were not there, events behind the last one.
    fileprivate func without(_ before: Evidence, _ system: SystemContract) -> Evidence {
        var items: [String: [JSONObject]] = [:]
        for resource in system.services.flatMap(\.resources) {
            let old = Set(before.items(resource.name).map { $0[resource.idField]?.integer })
            items[resource.name] = self.items(resource.name).filter { !old.contains($0[resource.idField]?.integer) }
        }
        let ends = Dictionary(before.events.map { ($0.partition, $0.offset) }, uniquingKeysWith: max)
        return Evidence(
            writes: writes, items: items, events: events.filter { $0.offset > ends[$0.partition] ?? -1 })
    }
}
