// `dead-letters`: records no handler could process. They can be looked at, put back where they came from, or dropped.
import Kafka
import Platform
import Wire
import Worker

enum DeadLetters {
    private static let number = Command.Positional(name: "NUMBER", summary: "as list shows it, or 'all'")

    static let commands = [
        Command(
            name: "dead-letters list", summary: "Records that could not be processed, and why",
            options: [.flag("json", "for a script"), Up.runDirOption], example: "dead-letters list", run: list),
        Command(
            name: "dead-letters show", summary: "One of them with its headers and content", options: [Up.runDirOption],
            positionals: [Command.Positional(name: "NUMBER", summary: "as list shows it")],
            example: "dead-letters show 3", run: show),
        Command(
            name: "dead-letters replay", summary: "Put a record back where it came from, once",
            options: [Up.runDirOption], positionals: [number], example: "dead-letters replay 3",
            run: { try settle($0, putBack: true) }),
        Command(
            name: "dead-letters drop", summary: "Forget a record", options: [Up.runDirOption], positionals: [number],
            example: "dead-letters drop all", run: { try settle($0, putBack: false) }),
    ]

    private static func list(_ call: Invocation) throws -> Int32 {
        let letters = try open(call)
        if call.has("json") {
            for letter in letters { Terminal.print(RecordLine.json(letter.record).text) }
            return 0
        }
        if letters.isEmpty {
            Terminal.print("no dead letters")
            return 0
        }
        var table = Table([" number", "time", "service", "came from", "what", "reason"])
        for letter in letters {
            table.add([
                String(letter.number), letter.time, letter.service, letter.origin?.description ?? "-",
                RecordLine.headline(letter.record), letter.reason,
            ])
        }
        for line in table.lines(Style(settings: call.settings)) { Terminal.print(line) }
        return 0
    }

    private static func show(_ call: Invocation) throws -> Int32 {
        let number = try Invocation.integer(call.positionals[0], called: "NUMBER", in: 0...Int64.max)
        guard let letter = try open(call).first(where: { $0.number == number }) else {
            throw Failure("there is no dead letter \(number) (any more); list shows those there are")
        }
        Terminal.print(RecordLine.json(letter.record).prettyText)
        return 0
    }

    private static func settle(_ call: Invocation, putBack: Bool) throws -> Int32 {
        let kafka = try SystemBroker.settings(call)
        let settlement = try Settlement(topic: call.system.contract.topics.deadLetters, kafka: kafka)
        // Read after the producer has fenced every other one: nobody else can settle the same letter from here on.
        let letters = try chosen(call.positionals[0], try open(call))
        if letters.isEmpty { Terminal.print("no dead letters") }
        let left = try letters.count { try !settle($0, putBack: putBack, by: settlement) }
        if letters.count > 1 {
            let rest = left == 0 ? "" : "; \(left) left, the reason is beside each"
            Terminal.tell("\(letters.count - left) of \(letters.count) \(putBack ? "put back" : "dropped")\(rest)")
        }
        return left == 0 ? 0 : 1
    }

    /// Whether it worked. One that is refused must not keep the others from it; an error that is thrown would meet them too.
    private static func settle(_ letter: DeadLetter, putBack: Bool, by settlement: Settlement) throws -> Bool {
        do {
            try settlement.settle(letter, putBack: putBack)
        } catch let refusal as Failure {
            Terminal.complain("\(letter.number) not \(putBack ? "put back" : "dropped"): \(refusal)")
            return false
        }
        // All that were chosen are settled, whoever reads of it.
        Terminal.tell("\(letter.number) \(putBack ? "put back to \(letter.origin?.topic ?? "")" : "dropped")")
        return true
    }

    private static func chosen(_ text: String, _ letters: [DeadLetter]) throws -> [DeadLetter] {
        if text == "all" { return letters }
        let number = try Invocation.integer(text, called: "NUMBER", in: 0...Int64.max)
        guard let letter = letters.first(where: { $0.number == number }) else {
            throw Failure("there is no dead letter \(number) (any more); list shows those there are")
        }
        return [letter]
    }

    /// Those that nobody has settled yet.
    private static func open(_ call: Invocation) throws -> [DeadLetter] {
        let reader = try TopicReader(
            [call.system.contract.topics.deadLetters], from: .beginning, kafka: SystemBroker.settings(call))
        defer { reader.close() }
        let records = try reader.readBacklog().sorted { $0.offset < $1.offset }
        let settled = Set(records.compactMap { $0.header(Settlement.header).flatMap { Int64($0) } })
        return records.filter { $0.header(Settlement.header) == nil && !settled.contains($0.offset) }
            .map { DeadLetter(record: $0) }
    }
}
