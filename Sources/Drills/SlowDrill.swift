// A service that stands still: whoever needs it decides without it, in time; soon at once; and asks again when it goes on.
import Operations
import Platform

struct SlowDrill {
    /// Three seconds for the call, and a margin for a busy machine.
    private static let firstMillisecondsMax: Int64 = 4_500
    /// The circuit is open: nobody is asked any more.
    private static let openMillisecondsMax: Int64 = 1_500
    private static let recoveryMillisecondsMax: Int64 = 15_000
    private static let stillMilliseconds: Int64 = 600_000
    private static let probesMax = 12

    let service: String

    func play(_ stage: Stage) throws {
        let client = stage.client("probe")
        let before = stage.scenario.probe(client)
        if stage.scenario.isFallback(before) { accuse("\(service) is well, and yet it was not asked", before, stage) }
        for instance in stage.crew.instances where Stage.service(of: instance) == service {
            stage.crew.strike(instance, .pause(milliseconds: Self.stillMilliseconds))
        }
        stage.tell("  \(service) stands still from \(stage.elapsed) on")
        var isOpen = false
        for number in 1...Self.probesMax where !isOpen {
            let write = stage.scenario.probe(client)
            stage.tell("    \(number). \(write.line)")
            check(write, stage)
            isOpen = write.milliseconds <= Self.openMillisecondsMax
        }
        if !isOpen {
            stage.ledger.accuse(Finding("the circuit never opened: all \(Self.probesMax) answers took their time"))
        }
        stage.crew.resumeAll()
        stage.tell("  \(service) goes on at \(stage.elapsed)")
        try recover(client, stage)
        stage.ledger.note { $0.units += 1 }
    }

    private func check(_ write: Write, _ stage: Stage) {
        if write.milliseconds > Self.firstMillisecondsMax {
            accuse("an answer took longer than \(Self.firstMillisecondsMax) ms", write, stage)
        }
        if write.fate != .acknowledged || !stage.scenario.isFallback(write) {
            accuse("the answer was not the one for a service that does not answer", write, stage)
        }
    }

    private func recover(_ client: DrillClient, _ stage: Stage) throws {
        let started = Clock.monotonicMilliseconds()
        while true {
            try stage.crew.turn()
            let write = stage.scenario.probe(client)
            let took = Clock.monotonicMilliseconds() - started
            if write.fate == .acknowledged && !stage.scenario.isFallback(write) {
                stage.tell("  \(service) is asked again \(Readable.duration(milliseconds: took)) later")
                return
            }
            if took > Self.recoveryMillisecondsMax {
                return accuse(
                    "the circuit did not close within \(Self.recoveryMillisecondsMax / 1000) s", write, stage)
            }
            Pause.milliseconds(200)
        }
    }

    private func accuse(_ text: String, _ write: Write, _ stage: Stage) {
        stage.ledger.accuse(Finding(text, history: [write.line, write.answer.text]))
    }
}
