// Garbage must be buried once by everybody who read it, and nothing else may be.
import Kafka
import Testing
import Wire
import Worker

@testable import Drills

@Suite struct DeadLetterTests {
    private let garbage = Vandal.Planted(
        token: "t1", topic: "shop", value: Array("{}".utf8), buriedBy: ["customer", "order"])

    private func letter(_ token: String?, _ service: String, _ value: String = "{}") -> Record {
        Record(
            topic: "shop.dead-letters", partition: 0, offset: 0, timestampMilliseconds: 0, key: nil,
            value: Array(value.utf8),
            headers: (token.map { [Header(Vandal.header, $0)] } ?? []) + [Header(HeaderName.deadService, service)])
    }

    private func findings(_ letters: [Record], lost: Int = 0) -> [String] {
        DeadLetterJudge(planted: [garbage], lost: lost).judge(letters).findings.map(\.text)
    }

    @Test func eachOnceIsRight() { #expect(findings([letter("t1", "order"), letter("t1", "customer")]) == []) }

    @Test func oneTooFewAndOneTooManyAreFound() {
        #expect(findings([letter("t1", "order")]) == ["garbage on shop was buried by order, expected customer, order"])
        let twice = [letter("t1", "order"), letter("t1", "order"), letter("t1", "customer")]
        #expect(findings(twice) == ["garbage on shop was buried by customer, 2 × order, expected customer, order"])
    }

    @Test func anotherContentIsFound() {
        #expect(
            findings([letter("t1", "order", "{ }"), letter("t1", "customer")])
                == ["a dead letter is not what was planted"])
    }

    @Test func whatNobodyPlantedIsFound() {
        let right = [letter("t1", "order"), letter("t1", "customer")]
        #expect(findings(right + [letter(nil, "order")]) == ["a dead letter that nobody planted"])
        #expect(findings(right + [letter("t2", "order")]) == ["'t2' was buried, and is harmless"])
    }

    @Test func whatTheBrokerNeverConfirmedMayBeMissing() {
        #expect(findings([], lost: 1) == [])
        #expect(findings([], lost: 0) == ["garbage on shop was buried by nobody, expected customer, order"])
    }
}
