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

    private let plan: Plan
    private let call: Invocation
    private let unit: String
    private let gateway: Address
    private let kafka: KafkaSettings
    private let shards: Int32
    private let scenario: any DrillScenario
    private let ledger = Ledger()
    private let crew: Crew
    private let folder: RunDirectory
    private let begun = Clock.monotonicMilliseconds()

    init(_ call: Invocation, _ script: DrillScript, _ plan: Plan, target: String) throws {
        let scheme = "http://"
        guard target.hasPrefix(scheme),
            let gateway = Address(String(target.dropFirst(scheme.count).prefix { $0 != "/" }))
        else { throw UsageError("--target is '\(target)', expected local or http://HOST:PORT of a gateway") }
        guard call.settings.text("KAFKA_BOOTSTRAP") != nil else {
            throw UsageError("--target also needs KAFKA_BOOTSTRAP: the judge reads the events themselves")
        }
        self.plan = plan
        self.call = call
        self.gateway = gateway
        unit = script.unit
        kafka = try KafkaSettings.fromEnvironment(call.settings)
        shards = try call.settings.integer("SHARDS", default: 12, in: 1...1000)
        scenario = script.make(plan.seed)
        folder = RunDirectory("/nonexistent")
        crew = Crew(run: folder, executable: "", environment: [:])
    }

    func run() throws -> Int32 {
        try Log.start(settings: call.settings.replacing(["LOG_LEVEL": "error"]), context: ["service": "drill"])
        tell("drill kill, seed \(plan.seed), on http://\(gateway): nobody is killed there")
        var judgement = Judgement()
        do { judgement = try perform() } catch {
            judgement.accuse("the drill could not be finished: \(error)")
        }
        let report = DrillReport(
            name: "kill --target http://\(gateway)", executable: call.system.executable, plan: plan,
            tally: ledger.tally, writes: ledger.writeCount, crew: crew, judgement: judgement, elapsed: elapsed)
        try report.publish(plan, call)
        return judgement.findings.isEmpty ? 0 : 1
    }

    private func perform() throws -> Judgement {
        let witness = Witness(system: call.system.contract, kafka: kafka)
        let before = try witness.evidence(client("before"), writes: [])
        var random = DrillRandom(seed: plan.seed, stream: 1)
        try scenario.prepare(client("setup"), &random)
        load()
        let took = try Quiet(system: call.system.contract, shards: shards, run: folder, kafka: kafka).wait(crew)
        tell("  quiet after another \(Readable.duration(milliseconds: took)); now the judge")
        let after = try witness.evidence(client("judge"), writes: ledger.writes)
        var judgement = scenario.judge(after.without(before, call.system.contract))
        judgement.findings += ledger.findings
        return judgement
    }

    private func load() {
        let switches = LoadSwitch()
        let threads = (0..<plan.clients).map { number in
            let work = ClientWork(
                scenario: scenario, ledger: ledger, plan: plan, number: number, gateways: [gateway],
                started: Clock.monotonicMilliseconds(), load: switches, prefix: prefix)
            return Platform.Thread(name: "client-\(number)") { work.run() }
        }
        let end = Clock.monotonicMilliseconds() + plan.lastsMilliseconds
        var told = begun
        while ledger.units < plan.units || Clock.monotonicMilliseconds() < end {
            switches.isHeld.store(Clock.monotonicMilliseconds() < end, ordering: .relaxed)
            if Clock.monotonicMilliseconds() - told >= Self.tellMilliseconds {
                told = Clock.monotonicMilliseconds()
                tell("  \(elapsed)  \(ledger.units)/\(plan.units) \(unit), \(ledger.writeCount) writes")
            }
            Pause.milliseconds(20)
        }
        switches.isOver.store(true, ordering: .relaxed)
        for thread in threads { thread.join() }
    }

    /// Keys and texts of two drills on one system must differ.
    private var prefix: String { "\(plan.seed)-" }

    private func client(_ name: String) -> DrillClient {
        DrillClient(
            name: prefix + name, ledger: ledger,
            connection: HTTPConnection([gateway], first: 0, timeoutMilliseconds: DrillClient.attemptMilliseconds))
    }

    private var elapsed: String { Readable.duration(milliseconds: Clock.monotonicMilliseconds() - begun) }

    private func tell(_ line: String) { if !plan.isJSON { Terminal.print(line) } }
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
