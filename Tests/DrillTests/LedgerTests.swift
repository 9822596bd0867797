// What a drill makes of clients that nobody answers: no headway, and no verdict that all is well.
import Operations
import Platform
import Testing

@testable import Drills

@Suite struct LedgerTests {
    private func write(_ status: Int?) -> Write {
        Write(key: "k", method: "POST", path: "/orders", body: nil, status: status, answer: .null)
    }

    @Test(arguments: [nil, 503]) func writesThatCameToNothingAreNoHeadway(_ status: Int?) throws {
        let ledger = Ledger()
        var headway = Headway(patienceMilliseconds: 1_000)
        let later = Clock.monotonicMilliseconds() + 2_000
        ledger.record(write(404))
        try headway.check(ledger.tally, now: later)
        ledger.record(write(status))
        try headway.check(ledger.tally, now: later + 999)
        #expect(throws: Failure.self) { try headway.check(ledger.tally, now: later + 1_000) }
    }

    @Test func withoutAnAcknowledgedWriteNothingWasTried() {
        let ledger = Ledger()
        for status in [nil, 503, 409] { ledger.record(write(status)) }
        #expect(ledger.findings.map(\.text) == ["no write was acknowledged, so nothing was tried"])
        ledger.record(write(201))
        #expect(ledger.findings.isEmpty)
    }
}
