// What the clients of a drill did and saw, kept by the drill itself: the judge believes nothing else.
import Operations
import Platform
import Synchronization
package import Wire

/// Shared by all clients.
final class Ledger: Sendable {
    struct Tally: Sendable {
        var units = 0
        var attempts = 0
        /// Connections refused or cut, which a client cannot tell from a write that was done.
        var broken = 0
        /// Attempts that nobody answered in time.
        var silent = 0
        var errorStatuses: [Int: Int] = [:]
        /// Those whose attempt met a time without a broker: nobody can be asked then.
        var errorsWithoutBroker = 0
        /// The same, by what the answers say.
        var errorTexts: [String: Int] = [:]
        var repeats = 0
        /// Writes that came to an end: an error or silence is none.
        var settled = 0
        var slowestMilliseconds: Int64 = 0
    }

    private struct State {
        var writes: [Write] = []
        var tally = Tally()
        var findings: [Finding] = []
    }

    private let begun = Clock.monotonicMilliseconds()
    private let state = Mutex(State())
    /// When the broker was last seen to be away.
    let brokerAway = Atomic<Int64>(-1)

    var writes: [Write] { state.withLock { $0.writes } }
    var tally: Tally { state.withLock { $0.tally } }
    /// What clients have seen that must not be, and that they have seen too little to say anything.
    var findings: [Finding] {
        state.withLock { state in
            let isIdle = !state.writes.contains { $0.fate == .acknowledged }
            return state.findings + (isIdle ? [Finding("no write was acknowledged, so nothing was tried")] : [])
        }
    }
    var units: Int { state.withLock { $0.tally.units } }
    var writeCount: Int { state.withLock { $0.writes.count } }

    var elapsed: String { Readable.duration(milliseconds: Clock.monotonicMilliseconds() - begun) }

    func record(_ write: Write) {
        state.withLock { state in
            state.writes.append(write)
            state.tally.slowestMilliseconds = max(state.tally.slowestMilliseconds, write.milliseconds)
            if write.fate != .unknown { state.tally.settled += 1 }
        }
    }

    func note(_ change: (inout Tally) -> Void) { state.withLock { change(&$0.tally) } }
    func accuse(_ finding: Finding) { state.withLock { $0.findings.append(finding) } }

    /// An answered write young enough for its answer to be remembered, chosen among the last ones.
    func repeatable(_ random: inout DrillRandom, notBefore: Int64) -> Write? {
        let place = random.below(500)
        return state.withLock { state in
            guard place < state.writes.count else { return nil }
            let write = state.writes[state.writes.count - 1 - place]
            return write.fate == .acknowledged && write.startedMilliseconds >= notBefore ? write : nil
        }
    }
}

/// One client of a drill: every write has an Idempotency-Key, and is repeated under it as a real client would.
package final class DrillClient {
    /// One attempt: beyond the gateway's own deadline, so that its 504 is heard.
    static let attemptMilliseconds: Int64 = 25_000
    /// A client gives up after this.
    static let patienceMilliseconds: Int64 = 60_000
    private static let pauseMilliseconds: Int64 = 100
    /// What `Retry-After` is believed.
    private static let retryAfterSecondsMax: Int64 = 2
    /// Answers are kept for ten minutes; a repeat is sent well before.
    private static let repeatWithinMilliseconds: Int64 = 300_000

    package let name: String
    private let ledger: Ledger
    private let connection: HTTPConnection
    private var number = 0

    /// Of all clients so far.
    var writes: [Write] { ledger.writes }

    init(name: String, ledger: Ledger, connection: HTTPConnection) {
        self.name = name
        self.ledger = ledger
        self.connection = connection
    }

    /// A text that no other write of the drill has.
    package func newTag(_ prefix: String) -> String {
        number += 1
        return "\(prefix)-\(name)-\(number)"
    }

    @discardableResult
    package func send(_ method: String, _ path: String, _ body: JSONObject? = nil) -> Write {
        let write = deliver(method, path, body, key: newTag("drill"))
        ledger.record(write)
        return write
    }

    /// Sends a write that was answered once more. The answer must be the same.
    func repeatOne(_ random: inout DrillRandom) {
        let notBefore = Clock.monotonicMilliseconds() - Self.repeatWithinMilliseconds
        guard let first = ledger.repeatable(&random, notBefore: notBefore) else { return }
        let second = deliver(first.method, first.path, first.body, key: first.key)
        ledger.note { $0.repeats += 1 }
        guard let status = second.status, status < 500 else { return }
        if status != first.status || Self.withoutLinks(second.answer) != Self.withoutLinks(first.answer) {
            ledger.accuse(
                Finding(
                    "a repeat under the same Idempotency-Key was answered otherwise than the first time",
                    history: [
                        first.line, first.answer.text, second.line, second.answer.text, "Idempotency-Key: \(first.key)",
                    ]))
        }
    }

    private static func withoutLinks(_ answer: JSON) -> JSON {
        guard var object = answer.object else { return answer }
        object["_links"] = nil
        return .object(object)
    }

    private func deliver(_ method: String, _ path: String, _ body: JSONObject?, key: String) -> Write {
        let started = Clock.monotonicMilliseconds()
        var attempts = 0
        var status: Int?
        var answer = JSON.null
        attempt: repeat {
            attempts += 1
            var pause = Self.pauseMilliseconds
            ledger.note { $0.attempts += 1 }
            let asked = Clock.monotonicMilliseconds()
            switch connection.send(method, path, key: key, body: body?.bytes) {
            case .answered(let got):
                status = got.status
                answer = got.json ?? .null
                guard got.status >= 500 || got.status == 429 else { break attempt }
                let text = "\(got.status) \(Self.withoutNumbers(answer["detail"].string ?? ""))"
                let isWithoutBroker = ledger.brokerAway.load(ordering: .relaxed) >= asked
                ledger.note {
                    $0.errorStatuses[got.status, default: 0] += 1
                    if isWithoutBroker { $0.errorsWithoutBroker += 1 }
                    $0.errorTexts[text, default: 0] += 1
                }
                let seconds = got.header("retry-after").flatMap { Int64($0) } ?? 0
                pause = max(pause, 1_000 * min(seconds, Self.retryAfterSecondsMax))
            case .broken: ledger.note { $0.broken += 1 }
            case .silent: ledger.note { $0.silent += 1 }
            }
            Pause.milliseconds(pause)
        } while Clock.monotonicMilliseconds() - started < Self.patienceMilliseconds
        return Write(
            key: key, method: method, path: path, body: body, status: status, answer: answer, attempts: attempts,
            startedMilliseconds: started, milliseconds: Clock.monotonicMilliseconds() - started)
    }

    /// The same complaint about two orders is one complaint.
    private static func withoutNumbers(_ text: String) -> String {
        var result = ""
        for letter in text.prefix(120) {
            if !letter.isNumber { result.append(letter) } else if result.last != "#" { result.append("#") }
        }
        return result
    }

    /// A question, repeated until somebody answers; nil when the client gives up.
    package func get(_ path: String) -> (status: Int, answer: JSON)? {
        let write = deliver("GET", path, nil, key: newTag("question"))
        return write.status.map { ($0, write.answer) }
    }
}
