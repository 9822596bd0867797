// One drill from the first process to the verdict.
import Kafka
import Operations
import Platform
import Wire

struct Drill {
    private let kind: DrillKind
    private let plan: Plan
    private let stage: Stage
    private let call: Invocation

    init(_ call: Invocation, _ kind: DrillKind, _ script: DrillScript, _ plan: Plan) throws {
        self.kind = kind
        self.plan = plan
        self.call = call
        stage = try Stage(call, plan, script, environment: kind.environment)
    }

    func run() throws -> Int32 {
        // A broker that is killed on purpose is no news.
        try Log.start(settings: call.settings.replacing(["LOG_LEVEL": "error"]), context: ["service": "drill"])
        stage.tell(
            stage.style.strong("drill \(kind.name), seed \(plan.seed)") + stage.style.faint(" in \(stage.run.path)"))
        var judgement = Judgement()
        do {
            defer { stage.crew.stopAll() }
            judgement = try perform()
        } catch {
            judgement.accuse("the drill could not be finished: \(error)")
        }
        let report = DrillReport(
            name: kind.name, call: call, plan: plan, ledger: stage.ledger, crew: stage.crew, judgement: judgement)
        report.publish()
        if plan.keepsFiles || !judgement.findings.isEmpty {
            stage.tell("Data and logs are in \(stage.run.path)")
        } else {
            FileSystem.removeTree(stage.run.path)
        }
        return judgement.findings.isEmpty ? 0 : 1
    }

    private func perform() throws -> Judgement {
        try stage.start()
        let vandal = Vandal(
            system: call.system.contract, shards: stage.shards, kafka: stage.kafka, scenario: stage.scenario,
            seed: plan.seed, pauseMilliseconds: kind.vandalMilliseconds)
        let vandalThread = vandal.start()
        do {
            defer { vandal.stop() }
            try kind.play(stage)
        }
        // Its last records need a broker that is there.
        try stage.crew.awaitReady(milliseconds: Quiet.patienceMilliseconds)
        vandalThread.join()
        let quiet = Quiet(system: call.system.contract, shards: stage.shards, run: stage.run, kafka: stage.kafka)
        let took = try quiet.wait(stage.crew)
        var judgement = Judgement()
        if kind.isRebuilt { judgement = try Rebuild(stage: stage, planted: vandal.result).judge(quiet) }
        stage.tell("  quiet after another \(Readable.duration(milliseconds: took)); now the judge")
        try judge(vandal.result, &judgement)
        return judgement
    }

    private func judge(_ planted: Vandal.Notes, _ judgement: inout Judgement) throws {
        let witness = Witness(system: call.system.contract, kafka: stage.kafka)
        let writes = stage.ledger.writes
        let evidence = try witness.evidence(stage.client("judge"), writes: writes)
        judgement.add(stage.scenario.judge(evidence))
        judgement.count("events doubled by the drill", planted.duplicates)
        judgement.add(
            DeadLetterJudge(planted: planted.planted, lost: planted.lost).judge(try witness.deadLetters()))
        if let problem = planted.problem { judgement.accuse("garbage could not be planted: \(problem)") }
        stage.crew.stopAllButBroker()
        judgement.add(
            try StateReplay(system: call.system.contract, run: stage.run, kafka: stage.kafka).judge())
        judgement.findings += stage.ledger.findings
        if kind.isStrict { judgement.add(strictly(writes)) }
    }

    private func strictly(_ writes: [Write]) -> Judgement {
        var judgement = Judgement()
        let unanswered = writes.filter { $0.fate == .unknown }
        if !unanswered.isEmpty {
            judgement.accuse("writes nobody answered", history: unanswered.prefix(10).map(\.line))
        }
        let errors = stage.ledger.tally.errorStatuses
        if !errors.isEmpty {
            let text = errors.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: ", ")
            judgement.accuse("clients saw errors: \(text)")
        }
        return judgement
    }
}

extension Judgement {
    mutating func add(_ other: Judgement) {
        findings += other.findings
        counts += other.counts
    }
}
