// Things to do later, and that they never keep the loop from everything else.
import Testing

@testable import Broker

@Suite struct TimersTests {
    @Test func timersAreTakenInTheirOrderAndOnlyWhenDue() {
        var timers = Timers()
        var seen: [Int64] = []
        for due: Int64 in [50, 10, 40, 20, 30] { timers.add(due: due) { seen.append(due) } }
        for now: Int64 in [9, 30, 100] { for action in timers.takeDue(now: now) { action() } }
        #expect(seen == [10, 20, 30, 40, 50] && timers.next == nil)
    }

    @Test func whatATimerSetsForNowWaitsForTheNextTurn() throws {
        var timers = Timers()
        timers.add(due: 10) {}
        for _ in timers.takeDue(now: 10) { timers.add(due: 10) {} }
        #expect(timers.next == 10)
    }
}
