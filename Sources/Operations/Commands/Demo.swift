// `demo`: walks through the scenario of the system, shows what was sent, what came back, which events it caused, and
// says whether all of it was as it should be.
import Contract
import Kafka
import Platform
import Wire

enum Demo {
    static let command = Command(
        name: "demo", summary: "Walk through the scenario step by step, with a verdict",
        options: [
            .value("url", "URL", "of the gateway (default that of what runs here, else GATEWAY_PORT)"), Up.runDirOption,
        ], example: "demo", run: run)

    private static func run(_ call: Invocation) throws -> Int32 {
        let address = try gateway(call)
        let patience: Int64 = try call.settings.integer("DEMO_WAIT_MS", default: 10_000, in: 100...600_000)
        guard address.answers else {
            throw Failure("nobody answers at http://\(address); '\(call.system.executable) up' starts the system")
        }
        let topics = call.system.contract.topics
        let events = try TopicReader([topics.events], from: .end, kafka: SystemBroker.settings(call))
        defer { events.close() }
        let walk = DemoWalk(
            client: HTTPClient(address: address), events: events, patienceMilliseconds: patience,
            style: Style(settings: call.settings))
        let started = Clock.monotonicMilliseconds()
        let failures = try walk.perform(call.system.demo)
        let duration = Readable.duration(milliseconds: Clock.monotonicMilliseconds() - started)
        let steps = Readable.count(call.system.demo.count, "step")
        let style = Style(settings: call.settings)
        Terminal.tell(
            failures == 0
                ? style.good("All \(steps) as they should be, in \(duration).")
                : style.bad("\(failures) of \(steps) went wrong, in \(duration)."))
        return failures == 0 ? 0 : 1
    }

    private static func gateway(_ call: Invocation) throws -> Address {
        if let url = call.value("url") {
            guard let place = HTTPLocation(url), place.path.isEmpty || place.path == "/" else {
                throw UsageError("--url is '\(url)', expected http://host:port")
            }
            return place.address
        }
        if let running = RunningSystem(RunDirectory(call)),
            let place = running.instances.first(where: { $0.name == LocalSystem.gateway + "-0" })?.place,
            let address = Address(String(place.dropFirst("http://".count)))
        {
            return address
        }
        return try LocalSystem.gatewayAddress(call.settings)
    }
}

/// One walk over the steps. What a step remembers, the later ones may name.
final class DemoWalk {
    private let client: HTTPClient
    private let events: TopicReader
    private let patienceMilliseconds: Int64
    private let style: Style
    private var remembered: [String: JSON] = [:]
    private var seen: [JSON] = []
    private var problems: [String] = []

    init(client: HTTPClient, events: TopicReader, patienceMilliseconds: Int64, style: Style) {
        self.client = client
        self.events = events
        self.patienceMilliseconds = patienceMilliseconds
        self.style = style
    }

    /// How many steps did not go as they should.
    func perform(_ steps: [DemoStep]) throws -> Int {
        var failures = 0
        for (place, step) in steps.enumerated() {
            Terminal.tell(style.strong("\(place + 1). \(step.title)"))
            problems = []
            seen = []
            if let name = DemoText.missing(in: step.call, remembered) {
                problems.append("not tried: no earlier step has given {\(name)}")
            } else {
                send(step)
            }
            if problems.isEmpty {
                for fact in step.events { try expect(fact) }
                for outcome in step.outcomes { expect(outcome) }
            }
            for problem in problems { Terminal.tell("   " + style.bad("✗ " + problem)) }
            if !problems.isEmpty { failures += 1 }
        }
        return failures
    }

    private func send(_ step: DemoStep) {
        let path = DemoText.fill(step.call.path, remembered)
        let body = step.call.body.map { DemoText.fill($0, remembered) }
        Terminal.tell("   \(style.name("→")) \(step.call.method.rawValue) \(path)\(body.map { " " + $0.text } ?? "")")
        let started = Clock.monotonicMicroseconds()
        guard let answer = client.send(step.call.method.rawValue, path, body: body?.bytes) else {
            problems.append("no answer from http://\(client.address)")
            return
        }
        let took = (Clock.monotonicMicroseconds() - started) / 1000
        Terminal.tell("   \(style.name("←")) \(answer.status) \(Self.shown(answer)) \(style.faint("\(took) ms"))")
        if answer.status != step.status { problems.append("expected status \(step.status), got \(answer.status)") }
        let item = answer.json?.object ?? [:]
        compare(item, DemoText.fill(step.answer, remembered), "the answer")
        for (name, field) in step.remember { remembered[name] = item[field] }
    }

    /// The answer without the links, which say nothing new here.
    private static func shown(_ answer: HTTPAnswer) -> String {
        guard var item = answer.json?.object else { return String(answer.text.prefix(200)) }
        item["_links"] = nil
        return String(item.text.prefix(300))
    }

    private func expect(_ fact: DemoStep.Fact) throws {
        let wanted = DemoText.fill(fact.fields, remembered)
        let deadline = Clock.monotonicMilliseconds() + patienceMilliseconds
        while true {
            if let place = seen.firstIndex(where: { $0["eventType"].string == fact.type && Self.has($0, wanted) }) {
                Terminal.tell("   \(style.good("✓")) event \(seen[place].text)")
                seen.remove(at: place)
                return
            }
            let left = deadline - Clock.monotonicMilliseconds()
            guard left > 0 else { return problems.append("no event \(fact.type) with \(wanted.text)") }
            guard let record = try events.next(timeoutMilliseconds: Int32(min(left, 100))) else { continue }
            if let event = try? JSON(parsing: record.value ?? []) { seen.append(event) }
        }
    }

    private func expect(_ outcome: DemoStep.Outcome) {
        let path = DemoText.fill(outcome.path, remembered)
        let wanted = DemoText.fill(outcome.fields, remembered)
        let deadline = Clock.monotonicMilliseconds() + patienceMilliseconds
        while true {
            let answer = client.send("GET", path)
            let item = answer?.json?.object ?? [:]
            if answer?.status == outcome.status && Self.has(.object(item), wanted) {
                let what = outcome.status == 200 ? wanted.text : "is gone"
                Terminal.tell("   \(style.good("✓")) \(path) \(what)")
                return
            }
            guard Clock.monotonicMilliseconds() < deadline else {
                let got = answer.map { "\($0.status) \(Self.shown($0))" } ?? "no answer"
                return problems.append("\(path): expected \(outcome.status) \(wanted.text), got \(got)")
            }
            Pause.milliseconds(20)
        }
    }

    private func compare(_ item: JSONObject, _ wanted: JSONObject, _ what: String) {
        for member in wanted.members where item[member.name] != member.value {
            let got = item[member.name].map(\.text) ?? "nothing"
            problems.append("\(what): expected \(member.name) \(member.value.text), got \(got)")
        }
    }

    private static func has(_ thing: JSON, _ wanted: JSONObject) -> Bool {
        wanted.members.allSatisfy { thing[$0.name] == $0.value }
    }
}

/// Texts with names in braces, filled with what was remembered.
enum DemoText {
    static func fill(_ text: String, _ remembered: [String: JSON]) -> String {
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            result += rest[..<open]
            let name = String(rest[rest.index(after: open)..<close])
            result += remembered[name].map { $0.string ?? $0.text } ?? "{\(name)}"
            rest = rest[rest.index(after: close)...]
        }
        return result + rest
    }

    /// The first name that a request needs and nobody has remembered.
    static func missing(in call: DemoStep.Call, _ remembered: [String: JSON]) -> String? {
        let texts = [call.path] + (call.body?.members.compactMap(\.value.string) ?? [])
        return texts.lazy.flatMap(names).first { remembered[$0] == nil }
    }

    private static func names(_ text: String) -> [String] {
        text.split(separator: "{").dropFirst(text.hasPrefix("{") ? 0 : 1).compactMap { piece in
            piece.firstIndex(of: "}").map { String(piece[..<$0]) }
        }
    }

    /// A value that is nothing but a name takes what was remembered, type and all.
    static func fill(_ object: JSONObject, _ remembered: [String: JSON]) -> JSONObject {
        JSONObject(
            object.members.map { member in
                guard let text = member.value.string else { return (member.name, member.value) }
                if text.hasPrefix("{"), text.hasSuffix("}"), let value = remembered[String(text.dropFirst().dropLast())]
                {
                    return (member.name, value)
                }
                return (member.name, .string(fill(text, remembered)))
            })
    }
}
