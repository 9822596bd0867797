// Calls under way: repeats, deadlines, the circuit breaker, keys that join, bounds. No broker, and a clock of our own.
import Contract
import Kafka
import Testing
import Wire

@testable import Worker

private final class FakeWire: CallTransport {
    var sent: [OutgoingRecord] = []
    var answers: [Record] = []
    var isFull = false

    func send(_ record: OutgoingRecord) throws {
        if isFull { throw KafkaError(remedy: .retry, code: -184, name: "_QUEUE_FULL", text: "full") }
        sent.append(record)
    }
    func nextReply() -> Record? { answers.isEmpty ? nil : answers.removeFirst() }

    /// Answers what was sent in this place.
    func answer(_ place: Int, _ status: Int = 200, requester: String? = nil, call: String? = nil) {
        let record = sent[place]
        func header(_ name: String) -> String { record.headers.text(name) ?? "" }
        answers.append(
            Record(
                topic: "replies", partition: 0, offset: 0, timestampMilliseconds: 0, key: nil, value: Array("{}".utf8),
                headers: [
                    Header(HeaderName.id, header(HeaderName.id)),
                    Header(HeaderName.call, call ?? header(HeaderName.call)),
                    Header(HeaderName.requester, requester ?? header(HeaderName.requester)),
                    Header(HeaderName.status, String(status)),
                ]))
    }
}

@Suite struct CallerTests {
    private let wire = FakeWire()
    private let caller: Caller
    private let heard = Box<[String]>([])

    init() { caller = Self.caller(wire, .edge) }

    private static func caller(_ wire: FakeWire, _ patience: Caller.Patience) -> Caller {
        var limits = WorkerLimits()
        limits.repeatMilliseconds = 100
        limits.repeatMillisecondsMax = 400
        limits.callsInFlightMax = 3
        limits.breakerFailures = 2
        limits.breakerOpenMilliseconds = 1_000
        return Caller(
            topics: Topics(system: "s"), instance: "i", transport: wire, limits: limits, patience: patience,
            incarnation: "1", wall: { 1_000_000 })
    }

    private func call(_ service: String = "a", key: String? = nil, path: String = "/x", deadline: Int64 = 2_000) -> Call
    {
        Call(service: service, shard: 1, method: .post, path: path, key: key, deadlineMilliseconds: deadline)
    }

    private func send(_ call: Call, now: Int64 = 0, on caller: Caller? = nil) {
        (caller ?? self.caller).send(call, now: now) { [heard] result in
            switch result {
            case .answered(let reply): heard.update { $0.append("\(reply.status)") }
            case .refused(let problem): heard.update { $0.append("refused \(problem.status)") }
            }
        }
    }

    @Test func answersReachWhoAsked() {
        send(call())
        send(call())
        wire.answer(1, 404)
        wire.answer(0, 201)
        #expect(caller.turn(now: 1))
        #expect(heard.value == ["404", "201"])
        #expect(caller.inFlight == 0 && caller.patienceLeft(now: 1) == .max)
    }

    @Test func strangeAnswersAreNobodys() {
        send(call())
        wire.answer(0, requester: "i/0")
        wire.answer(0, call: "77")
        wire.answer(0, call: "many")
        caller.turn(now: 1)
        #expect(heard.value == [])
        wire.answer(0)
        wire.answer(0)
        caller.turn(now: 2)
        #expect(heard.value == ["200"])
    }

    @Test func repeatsLaterAndLaterUntilTheDeadline() {
        send(call())
        var repeats: [Int64] = []
        for now in stride(from: Int64(0), through: 2_100, by: 10) {
            let before = wire.sent.count
            caller.turn(now: now)
            if wire.sent.count > before { repeats.append(now) }
        }
        #expect(repeats == [100, 300, 700, 1_100, 1_500, 1_900])
        #expect(Set(wire.sent.map { $0.headers.text(HeaderName.id) }).count == 1)
        #expect(heard.value == ["refused 504"])
        #expect(caller.inFlight == 0)
    }

    @Test func whatNeverWentOutIsNot504() {
        wire.isFull = true
        send(call(deadline: 50))
        caller.turn(now: 60)
        #expect(heard.value == ["refused 503"])
    }

    @Test func equalCallsWithAKeyAreOne() {
        send(call(key: "k"))
        send(call(key: "k"))
        #expect(wire.sent.count == 1)
        // Another request under the same key is for the shard to refuse, another service's is another call.
        send(call(key: "k", path: "/y"))
        #expect(wire.sent.count == 2)
        wire.answer(0, 201)
        wire.answer(1, 422)
        caller.turn(now: 1)
        #expect(heard.value == ["201", "201", "422"])
        send(call("b", key: "k"))
        #expect(wire.sent.count == 3)
    }

    @Test func callsThatDifferInTheirConditionAreTwo() {
        var first = call(key: "k")
        first.ifMatch = "\"1\""
        var second = first
        second.ifMatch = "\"2\""
        send(first)
        send(second)
        send(call(key: "k"))
        #expect(wire.sent.count == 3)
    }

    /// The partition is shared: answers of others must not keep the loop from its work.
    @Test func answersWithoutEndAreTakenInBites() {
        send(call())
        for _ in 0..<19_000 { wire.answer(0, requester: "other") }
        caller.turn(now: 1)
        #expect(!wire.answers.isEmpty)
        #expect(caller.patienceLeft(now: 1) == 0, "nobody rings for what is there already")
        for now in Int64(2)...100 where !wire.answers.isEmpty { caller.turn(now: now) }
        #expect(wire.answers.isEmpty && caller.patienceLeft(now: 50) > 0)
    }

    /// What no shard would take is refused before it is sent.
    @Test func whatIsTooLargeIsRefusedAtOnce() {
        send(call(key: String(repeating: "k", count: 1_025)))
        send(call(path: "/" + String(repeating: "p", count: 16_384)))
        var big = call()
        big.body = Array(repeating: 0x20, count: 3 << 19)
        send(big)
        #expect(heard.value == ["refused 400", "refused 414", "refused 413"])
        #expect(wire.sent.isEmpty && caller.inFlight == 0)
    }

    @Test func theBoundCountsEveryoneWhoWaits() {
        send(call(key: "k"))
        send(call(key: "k"))
        send(call())
        send(call())
        #expect(heard.value == ["refused 503"])
        wire.answer(0)
        caller.turn(now: 1)
        send(call())
        #expect(heard.value == ["refused 503", "200", "200"])
    }

    @Test func theCircuitOpensAndOneProbeClosesIt() {
        let caller = Self.caller(wire, .service)
        send(call(deadline: 200), on: caller)
        send(call(deadline: 200), on: caller)
        caller.turn(now: 200)
        #expect(heard.value == ["refused 504", "refused 504"])
        #expect(caller.breakerStates(now: 200).map(\.state) == ["open"])
        let sent = wire.sent.count
        send(call(), now: 300, on: caller)
        #expect(wire.sent.count == sent && heard.value.last == "refused 503")
        // Another service is not affected.
        send(call("b"), now: 300, on: caller)
        #expect(wire.sent.count == sent + 1)
        #expect(caller.breakerStates(now: 1_200).first?.state == "half-open")
        send(call(), now: 1_200, on: caller)
        send(call(), now: 1_200, on: caller)
        #expect(wire.sent.count == sent + 2, "one probe only")
        wire.answer(sent + 1)
        caller.turn(now: 1_210)
        #expect(caller.breakerStates(now: 1_210).map(\.state) == ["closed", "closed"])
    }
}

@Suite struct BreakerTests {
    /// What a breaker did, step by step: `12?` asks at 12, `12!` is a time-out at 12, `ok` an answer.
    private func story(_ steps: String, failuresMax: Int) -> String {
        var breaker = Breaker(failuresMax: failuresMax, openMilliseconds: 100)
        var told: [String] = []
        for step in steps.split(separator: " ") {
            let time = Int64(step.dropLast()) ?? 0
            if step == "ok" { breaker.succeeded() }
            if step.hasSuffix("?") { told.append(breaker.admits(now: time) ? "yes" : "no") }
            if step.hasSuffix("!") { told.append(breaker.timedOut(now: time) ? "opens" : "-") }
            if step.hasSuffix(".") { told.append(breaker.state(now: time).rawValue) }
        }
        return told.joined(separator: " ")
    }

    @Test func opensProbesAndCloses() {
        #expect(story("0? 10! 20! 20. 119?", failuresMax: 2) == "yes - opens open no")
        // Time-outs of calls that went out before it opened change nothing.
        #expect(story("10! 20! 90! 120. 120? 121?", failuresMax: 2) == "- opens - half-open yes no")
        #expect(story("10! 20! 120? 150! 151. 249? 250?", failuresMax: 2) == "- opens yes - open no yes")
        #expect(story("10! 20! 120? ok 121. 121? 122!", failuresMax: 2) == "- opens yes closed yes -")
    }

    @Test func aProbeThatNeverEndsIsReplaced() {
        #expect(story("0! 100? 199? 200?", failuresMax: 1) == "opens yes no yes")
    }
}
