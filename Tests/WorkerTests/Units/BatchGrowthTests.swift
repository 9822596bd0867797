// How long an open batch may wait for more: a lonely record's effects not at all, under load as transactions take.
import Testing

@testable import Worker

@Suite struct BatchGrowthTests {
    private let limits = WorkerLimits()

    /// A batch of `records` that was opened at 1000, after transactions of `milliseconds` with `last` records each, the
    /// last of them over at 995 and calling forth `expected` more.
    private func growth(_ records: Int, last: Int, milliseconds: Int64, expected: Int = 0) -> BatchGrowth {
        var growth = BatchGrowth()
        for _ in 0..<20 {
            growth.add(last, bytes: 0, now: 0)
            growth.commit(callingForth: expected, milliseconds: milliseconds)
        }
        growth.add(records, bytes: 100 * records, now: 1_000)
        return growth
    }

    private func patience(_ growth: BatchGrowth, _ audience: BatchGrowth.Audience, now: Int64 = 1_000) -> Int64 {
        growth.patience(for: audience, lastCommit: 995, now: now, limits)
    }

    @Test func lonelyRecordsEffectsGoAtOnce() {
        let lonely = growth(1, last: 1, milliseconds: 40)
        #expect(patience(lonely, .callers) == 0)
        #expect(patience(lonely, .others) == 0)
        #expect(patience(lonely, .nobody) == limits.lingerMilliseconds, "rows that nobody waits for may always wait")
    }

    @Test func underLoadWaitsAsTransactionsTake() {
        let busy = growth(5, last: 100, milliseconds: 40)
        #expect((70...80).contains(patience(busy, .others)), "twice as long as one takes")
        #expect(patience(busy, .nobody) == patience(busy, .others))
        #expect(patience(busy, .others, now: 1_100) == 0)
        // A moment without a transaction ends the load, whatever was before.
        #expect(busy.patience(for: .others, lastCommit: 900, now: 1_000, limits) == 0)
    }

    @Test func quickTransactionsAreNotWaitedFor() {
        let quick = growth(5, last: 100, milliseconds: 1)
        #expect(patience(quick, .others) <= 2)
        #expect(patience(quick, .nobody) == limits.lingerMilliseconds)
    }

    @Test func crowdIsAwaitedUntilItIsInOrPauses() {
        let crowd = growth(60, last: 100, milliseconds: 40, expected: 100)
        let third = patience(crowd, .callers)
        #expect((11...13).contains(third), "a third of what a transaction takes")
        #expect(patience(crowd, .callers, now: 1_000 + third) == 0)
        #expect(patience(growth(100, last: 100, milliseconds: 40, expected: 100), .callers) == 0, "all are in")
        #expect(patience(growth(5, last: 15, milliseconds: 40, expected: 15), .callers) == 0, "no crowd")
    }

    @Test func waitsAreBounded() {
        let slow = growth(20, last: 100, milliseconds: 9_000, expected: 100)
        for audience in [BatchGrowth.Audience.nobody, .others, .callers] {
            #expect(patience(slow, audience) == limits.lingerMillisecondsMax)
        }
        let full = growth(limits.batchRecordsMax, last: 100, milliseconds: 40, expected: 10_000)
        #expect(patience(full, .others) == 0)
        #expect(patience(full, .callers) == 0)
    }
}
