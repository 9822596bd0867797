// Which shard a call goes to: the one that owns the id, or for something new the one that may give it an id.
import Contract
import Synchronization
import Wire

/// Goes round from 0. One of each resource, so that the first items of a fresh system get the ids 1, 2, 3.
final class RoundRobin: Sendable {
    private let next = Atomic<UInt64>(0)

    func take(of count: Int32) -> Int32 {
        Int32(next.wrappingAdd(1, ordering: .relaxed).oldValue % UInt64(count))
    }
}

struct Placement: Sendable {
    let shards: Shards

    /// The shard of a new item. With a key the choice must be the same for every repeat: the shard remembers the answer.
    func creation(_ home: ResourceHome, body: JSONObject, key: String?) throws(Problem) -> Int32 {
        switch home.resource.creation {
        case .roundRobin:
            return key.map { shards.owner(ofText: $0) } ?? home.turn.take(of: shards.count)
        case .shardOf(let field):
            guard let id = body[field]?.integer, let shard = shards.owner(of: id) else {
                throw .badRequest("field '\(field)' is missing, expected a positive whole number")
            }
            return shard
        }
    }

    func item(_ id: Int64) -> Int32 { shards.owner(of: id) ?? 0 }

    func operation(
        _ operation: Operation, segments: [String], query: [(name: String, value: String)], turn: RoundRobin
    ) throws(Problem) -> Int32 {
        switch operation.placement {
        case .anywhere: return turn.take(of: shards.count)
        case .queryParameter(let name):
            let id = query.first { $0.name == name }.flatMap { Int64($0.value) }
            return id.flatMap { shards.owner(of: $0) } ?? 0
        case .pathID:
            let segment = segments.last ?? ""
            guard let id = Int64(segment) else {
                throw .badRequest("'\(segment.prefix(80))' is no id, expected a positive whole number")
            }
            return item(id)
        }
    }
}
