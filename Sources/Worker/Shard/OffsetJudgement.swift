// Where a shard has read up to: its rows say it, and its group says it. Both are written in one transaction, so that they
// agree; this is what to make of it when they do not.
import Kafka
import Wire

struct OffsetJudgement {
    let shard: Int32
    /// Next record by input topic, as the rows of the shard say.
    let state: [String: Int64]
    /// The same as the group says; negative where it has committed none.
    let group: [Position]
    /// The rows have come from the state topic, every one of them: they are right.
    let isRebuilt: Bool

    init(shard: Int32, state: [String: Int64], committed: [Position], isRebuilt: Bool) {
        self.shard = shard
        self.state = state
        group = committed.filter { $0.partition == shard }
        self.isRebuilt = isRebuilt
    }

    /// A group that stood still for a week has its offsets forgotten by the broker; the state has them still.
    var groupKnowsNothing: Bool { group.allSatisfy { $0.offset < 0 } }

    var agrees: Bool { groupKnowsNothing || group.allSatisfy { reached($0) == $0.offset } }

    /// The rows of a shard and its place in the input are committed in one transaction, so what the state topic alone has
    /// given back is right, however little the group remembers. Apache Kafka that is killed again and again can forget
    /// offsets which its log still has (docs/decisions/0021-a-transaction-that-hangs.md).
    var stateIsAhead: Bool { isRebuilt && group.allSatisfy { reached($0) >= $0.offset } }

    /// Where to read on in one of the inputs, which begins at `first`.
    func start(in input: Position, first: Int64) -> Int64 {
        // Rebuilt from the state topic, a shard knows better than a group that has forgotten.
        let believesState = input.offset < 0 || isRebuilt
        return max(input.offset, believesState ? state[input.topic] ?? 0 : 0, first)
    }

    private func reached(_ input: Position) -> Int64 { state[input.topic] ?? -1 }

    func disagreement(_ topics: Topics, service: String) -> String {
        let group = group.map { "\($0.topic) \($0.offset)" }.sorted().joined(separator: ", ")
        let state = state.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
        return
            "shard \(shard): the group has read up to [\(group)], the state topic says [\(state)]. Both are written in one "
            + "transaction, so somebody has deleted \(topics.state(service)) or moved the offsets of group '\(service)'. "
            + "Nothing is changed; put them back, or delete all topics of \(topics.system) together"
    }
}
