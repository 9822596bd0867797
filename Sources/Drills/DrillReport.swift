// What a drill found, as a table, a verdict of one line, and what to type to see it again.
import Operations
import Platform
import Wire

struct DrillReport {
    /// What a terminal shows; the file has all of it.
    private static let findingsShownMax = 10
    private static let historyShownMax = 40
    private static let errorTextsMax = 6

    let name: String
    let call: Invocation
    let plan: Plan
    let ledger: Ledger
    let crew: Crew
    let judgement: Judgement

    private var isGood: Bool { judgement.findings.isEmpty }

    private var rows: [(name: String, number: String)] {
        let tally = ledger.tally
        let latencies = ledger.writes.map(\.milliseconds).sorted()
        func percentile(_ part: Double) -> String {
            latencies.isEmpty
                ? "-" : Readable.duration(milliseconds: latencies[Int(Double(latencies.count - 1) * part)])
        }
        let errors = tally.errorStatuses.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
        var rows: [(name: String, number: String)] = [
            ("writes", String(latencies.count)), ("repeats under the same key", String(tally.repeats)),
            ("attempts, questions included", String(tally.attempts)),
            ("answers 5xx (goal: none)", errors.isEmpty ? "0" : errors.joined(separator: ", ")),
            ("connections refused or cut", String(tally.broken)),
            ("attempts without an answer in \(DrillClient.attemptMilliseconds / 1000) s", String(tally.silent)),
            ("answer p50", percentile(0.5)), ("answer p99", percentile(0.99)), ("slowest answer", percentile(1)),
        ]
        if tally.errorsWithoutBroker > 0 {
            rows.append(("  5xx to who asked while the broker was away", String(tally.errorsWithoutBroker)))
        }
        for (text, count) in tally.errorTexts.sorted(by: { $0.value > $1.value }).prefix(Self.errorTextsMax) {
            rows.append(("  \(text)", String(count)))
        }
        for (kind, count) in crew.blowsByKind.sorted(by: { $0.key < $1.key }) { rows.append((kind, String(count))) }
        rows.append(("restarts", String(crew.restartCount)))
        return rows + judgement.counts
    }

    /// On the terminal or as JSON, and whole in a file. Without one there is still the verdict.
    func publish() {
        var file: String?
        do { file = try writeFile() } catch { Terminal.complain("there is no report: \(error)") }
        guard !plan.isJSON else { return Terminal.tell(json.text) }
        lines(
            Style(settings: call.settings), findingsMax: Self.findingsShownMax, historyMax: Self.historyShownMax,
            file: file
        ).forEach(Terminal.tell)
        if !isGood { Terminal.tell("Again: \(again)") }
        if let file { Terminal.tell("Report: \(file)") }
    }

    /// Where it was asked for, else beside what the system keeps, if there is room: nobody asked for that one.
    private func writeFile() throws(SystemError) -> String? {
        let text =
            (["Again: \(again)", "Ended: \(UTCTime(wallMilliseconds: Clock.wallMilliseconds()).rfc3339)"]
            + lines(Style(isColoured: false), findingsMax: .max, historyMax: .max)).joined(separator: "\n") + "\n"
        if let path = plan.report {
            try FileSystem.replace(path, with: text)
            return path
        }
        let folder = RunDirectory(call).path + "/reports"
        let path = "\(folder)/\(call.command.replacing(" ", with: "-"))-\(plan.seed).txt"
        do {
            try FileSystem.makeDirectories(folder)
            try FileSystem.replace(path, with: text)
        } catch { return nil }
        return path
    }

    /// What to type for the same drill, with all that was asked for.
    private var again: String {
        // How much meets in one place, and where the broker is from or the system that runs already.
        var variables = ["SHARDS"]
        if plan.kafkaHome != nil { variables.append("KAFKA_HOME") }
        if call.value("target") != nil { variables += ["KAFKA_BOOTSTRAP", "RUN_DIR"] }
        var words = variables.compactMap { name in call.settings.text(name).map { "\(name)=\($0)" } }
        words += [call.system.executable, call.command] + call.positionals
        words += ["--seed", String(plan.seed)]
        for (option, value) in call.values.sorted(by: { $0.key < $1.key }) where !["seed", "report"].contains(option) {
            words += ["--\(option)", value]
        }
        return words.joined(separator: " ")
    }

    var verdict: String {
        isGood
            ? "PASSED: nothing acknowledged was lost or doubled, and all agree"
            : "FAILED: \(Readable.count(judgement.findings.count, "finding"))"
    }

    func lines(_ style: Style, findingsMax: Int, historyMax: Int, file: String? = nil) -> [String] {
        var table = Table(["what", " how many"])
        for row in rows { table.add([row.name, row.number]) }
        var lines = [""] + table.lines(style) + [""]
        let elsewhere = file.map { ", all of them in \($0)" } ?? ""
        for finding in judgement.findings.prefix(findingsMax) {
            lines.append(style.bad("✗ \(finding.text)"))
            lines += finding.history.prefix(historyMax).map { "    " + $0 }
            let more = finding.history.count - min(historyMax, finding.history.count)
            if more > 0 { lines.append("    and \(Readable.count(more, "more line"))\(elsewhere)") }
        }
        let more = judgement.findings.count - min(findingsMax, judgement.findings.count)
        if more > 0 { lines.append(style.bad("✗ and \(Readable.count(more, "more finding"))\(elsewhere)")) }
        lines.append(
            (isGood ? style.good(verdict) : style.bad(verdict))
                + " (drill \(name), seed \(plan.seed), \(ledger.elapsed))")
        return lines
    }

    var json: JSON {
        .object([
            "drill": .string(name), "seed": .integer(Int64(clamping: plan.seed)), "passed": .bool(isGood),
            "verdict": .string(verdict),
            "table": .object(JSONObject(rows.map { ($0.name, .string($0.number)) })),
            "findings": .array(
                judgement.findings.map {
                    ["text": .string($0.text), "history": .array($0.history.map(JSON.string))]
                }),
        ])
    }
}
