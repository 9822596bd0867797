// What a system brings to a drill: what its clients do, and how one judges what became of it. The kit knows the rest.
import Operations
package import Wire

package protocol DrillScenario: Sendable {
    /// What must be there before anything is broken.
    func prepare(_ client: DrillClient, _ random: inout DrillRandom)

    /// One thing that a client does. Returns how many of the counted units it has made.
    func perform(_ client: DrillClient, _ random: inout DrillRandom) -> Int

    /// Whether an event that is published a second time changes nothing by its nature.
    func mayComeTwice(_ event: JSONObject) -> Bool

    /// A write that needs another service to answer, and what it says when that one does not.
    func probe(_ client: DrillClient) -> Write
    func isFallback(_ write: Write) -> Bool

    func judge(_ evidence: Evidence) -> Judgement
}

extension DrillScenario {
    /// Everything else builds upon it, so all of it must be acknowledged.
    func begin(_ client: DrillClient, _ random: inout DrillRandom) throws {
        prepare(client, &random)
        if let failed = client.writes.first(where: { $0.fate != .acknowledged }) {
            throw Failure("what a drill begins with could not be made: \(failed.line)")
        }
    }
}

/// How a system takes part in the drills.
package struct DrillScript: Sendable {
    /// What `--orders 1000` counts.
    let unit: String
    /// A second name of `drill slow SERVICE`, for the service that `probe` needs.
    let slow: (command: String, service: String)
    let make: @Sendable (_ seed: UInt64) -> any DrillScenario

    package init(
        unit: String, slow: (command: String, service: String),
        make: @escaping @Sendable (_ seed: UInt64) -> any DrillScenario
    ) {
        self.unit = unit
        self.slow = slow
        self.make = make
    }
}

/// A write as its client saw it.
package struct Write: Sendable {
    package let key: String
    package let method: String
    package let path: String
    package let body: JSONObject?
    /// Nil when the client gave up before anybody answered.
    package let status: Int?
    package let answer: JSON
    package let attempts: Int
    package let startedMilliseconds: Int64
    package let milliseconds: Int64

    package init(
        key: String, method: String, path: String, body: JSONObject?, status: Int?, answer: JSON, attempts: Int = 1,
        startedMilliseconds: Int64 = 0, milliseconds: Int64 = 0
    ) {
        self.key = key
        self.method = method
        self.path = path
        self.body = body
        self.status = status
        self.answer = answer
        self.attempts = attempts
        self.startedMilliseconds = startedMilliseconds
        self.milliseconds = milliseconds
    }

    package enum Fate: Sendable { case acknowledged, refused, unknown }

    /// What the client may rely on: it is there once, it is not there, or it is there at most once.
    package var fate: Fate {
        switch status {
        case .some(200..<300): .acknowledged
        case .some(400..<500): .refused
        default: .unknown
        }
    }

    package var line: String {
        "\(method) \(path)\(body.map { " " + $0.text } ?? "") → \(status.map(String.init) ?? "no answer")"
            + (attempts > 1 ? " after \(attempts) attempts" : "") + ", \(milliseconds) ms"
    }
}

/// An event as the topic has it, committed.
package struct PublishedEvent: Sendable {
    package let fields: JSONObject
    package let partition: Int32
    package let offset: Int64
    /// Put there by the drill, a second time or into a wrong place.
    package let isPlanted: Bool

    package init(fields: JSONObject, partition: Int32, offset: Int64, isPlanted: Bool = false) {
        self.fields = fields
        self.partition = partition
        self.offset = offset
        self.isPlanted = isPlanted
    }

    package var type: String { fields["eventType"]?.string ?? "?" }
    package var line: String { "[\(partition)]@\(offset)\(isPlanted ? " (planted)" : "") \(fields.text)" }
}

/// Everything that was recorded and everything that can be seen when all is quiet again.
package struct Evidence: Sendable {
    package let writes: [Write]
    /// Every item of every resource, by the resource's name.
    package let items: [String: [JSONObject]]
    /// In the order of each partition.
    package let events: [PublishedEvent]

    package init(writes: [Write], items: [String: [JSONObject]], events: [PublishedEvent]) {
        self.writes = writes
        self.items = items
        self.events = events
    }

    package func items(_ resource: String) -> [JSONObject] { items[resource] ?? [] }
}

/// Something that must not be, with all that is known about it.
package struct Finding: Sendable {
    package let text: String
    package let history: [String]

    package init(_ text: String, history: [String] = []) {
        self.text = text
        self.history = history
    }
}

package struct Judgement: Sendable {
    package var findings: [Finding] = []
    /// Lines of the table: what was looked at, and how many of it there were.
    package var counts: [(name: String, number: String)] = []

    package init() {}

    package mutating func count(_ name: String, _ number: Int) { counts.append((name, String(number))) }
    package mutating func accuse(_ text: String, history: [String] = []) {
        findings.append(Finding(text, history: history))
    }
}
