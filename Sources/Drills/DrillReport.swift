// What a drill found, as a table, a verdict of one line, and what to type to see it again.
import Operations
import Platform
import Wire

struct DrillReport {
    private static let findingsMax = 10
    private static let historyMax = 40
    private static let errorTextsMax = 6

    let name: String
    let executable: String
    let plan: Plan
    let tally: Ledger.Tally
    let writes: Int
    let crew: Crew
    let judgement: Judgement
    let elapsed: String

    private var isGood: Bool { judgement.findings.isEmpty }

    private var rows: [(name: String, number: String)] {
        let latencies = tally.latencies.sorted()
        func percentile(_ part: Double) -> String {
            latencies.isEmpty
                ? "-" : Readable.duration(milliseconds: latencies[Int(Double(latencies.count - 1) * part)])
        }
        let errors = tally.errorStatuses.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
        var rows: [(name: String, number: String)] = [
            ("writes", String(writes)), ("repeats under the same key", String(tally.repeats)),
            ("attempts, questions included", String(tally.attempts)),
            ("answers 5xx (goal: none)", errors.isEmpty ? "0" : errors.joined(separator: ", ")),
            ("connections refused or cut", String(tally.broken)),
            ("attempts without an answer in \(DrillClient.attemptMilliseconds / 1000) s", String(tally.silent)),
            ("answer p50", percentile(0.5)), ("answer p99", percentile(0.99)), ("slowest answer", percentile(1)),
        ]
        for (text, count) in tally.errorTexts.sorted(by: { $0.value > $1.value }).prefix(Self.errorTextsMax) {
            rows.append(("  \(text)", String(count)))
        }
        for (kind, count) in crew.blowsByKind.sorted(by: { $0.key < $1.key }) { rows.append((kind, String(count))) }
        rows.append(("restarts", String(crew.restartCount)))
        return rows + judgement.counts
    }

    /// Where whoever asked wants it: on the terminal, as JSON, in a file.
    func publish(_ plan: Plan, _ call: Invocation) throws {
        if plan.isJSON {
            Terminal.print(json.text)
        } else {
            lines(Style(settings: call.settings)).forEach(Terminal.print)
        }
        guard let path = plan.report else { return }
        try Files.write(lines(Style(isColoured: false)).joined(separator: "\n") + "\n", to: Files.absolute(path))
    }

    var verdict: String {
        isGood
            ? "PASSED: nothing acknowledged was lost or doubled, and all agree"
            : "FAILED: \(Readable.count(judgement.findings.count, "finding"))"
    }

    func lines(_ style: Style) -> [String] {
        var table = Table(["what", " how many"])
        for row in rows { table.add([row.name, row.number]) }
        var lines = [""] + table.lines(style) + [""]
        for finding in judgement.findings.prefix(Self.findingsMax) {
            lines.append(style.bad("✗ \(finding.text)"))
            lines += finding.history.prefix(Self.historyMax).map { "    " + $0 }
        }
        let more = judgement.findings.count - Self.findingsMax
        if more > 0 { lines.append("  and \(more) more") }
        lines.append(
            (isGood ? style.good(verdict) : style.bad(verdict)) + " (drill \(name), seed \(plan.seed), \(elapsed))")
        if !isGood { lines.append("Again: \(executable) drill \(name) --seed \(plan.seed)") }
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
