// Two witnesses of how far a shard has read, and which of them is believed.
import Kafka
import Testing
import Wire

@testable import Worker

@Suite struct OffsetJudgementTests {
    private func judgement(_ state: [String: Int64], _ group: [Int64], isRebuilt: Bool = false) -> OffsetJudgement {
        let committed = zip(["events", "requests"], group).map { Position(topic: $0, partition: 1, offset: $1) }
        // What the group says of other shards is nothing to this one.
        let others = committed.map { Position(topic: $0.topic, partition: 2, offset: 99) }
        return OffsetJudgement(shard: 1, state: state, committed: committed + others, isRebuilt: isRebuilt)
    }

    @Test(
        arguments: [
            ([:], [-1, -1], true, true), (["events": 4, "requests": 7], [4, 7], true, true),
            // An input without a record yet has no row.
            (["events": 4], [4, -1], true, true),
            // Forgotten: all of it, or some.
            (["events": 4, "requests": 7], [-1, -1], true, true),
            (["events": 4, "requests": 7], [4, -1], false, true),
            (["events": 4, "requests": 7], [3, 7], false, true),
            // The group has read what the rows know nothing of.
            (["events": 4, "requests": 7], [5, 7], false, false),
            (["events": 4, "requests": 9], [5, 7], false, false),
            ([:], [0, 0], false, false),
        ] as [([String: Int64], [Int64], Bool, Bool)])
    func verdicts(_ state: [String: Int64], _ group: [Int64], _ agrees: Bool, _ isAhead: Bool) {
        #expect(judgement(state, group).agrees == agrees)
        #expect(judgement(state, group, isRebuilt: true).stateIsAhead == isAhead)
        #expect(!judgement(state, group).stateIsAhead, "a file may be anybody's")
    }

    @Test func readsOnWhereTheBetterWitnessSays() {
        let state: [String: Int64] = ["events": 7]
        func start(_ offset: Int64, first: Int64 = 0, isRebuilt: Bool = false) -> Int64 {
            judgement(state, [offset, 0], isRebuilt: isRebuilt)
                .start(in: Position(topic: "events", partition: 1, offset: offset), first: first)
        }
        #expect(start(7) == 7)
        #expect(start(-1) == 7)
        #expect(start(3, isRebuilt: true) == 7)
        #expect(start(9) == 9)
        // What was deleted by age cannot be read.
        #expect(start(7, first: 20) == 20)
        #expect(judgement([:], [-1, -1]).start(in: Position(topic: "events", partition: 1, offset: -1), first: 0) == 0)
    }
}
