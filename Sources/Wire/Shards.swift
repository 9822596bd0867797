// Which shard owns an id. Ids are positive; shard p hands out p+1, p+1+P, p+1+2P, …
import Platform

public struct Shards: Sendable, Equatable {
    public let count: Int32

    public init(count: Int32) {
        precondition(count > 0, "a system has at least one shard")
        self.count = count
    }

    /// Nil for what is no id: zero and below.
    public func owner(of id: Int64) -> Int32? {
        id > 0 ? Int32((id - 1) % Int64(count)) : nil
    }

    /// The first id a shard hands out; the next ones are `count` apart.
    public func firstID(of shard: Int32) -> Int64 { Int64(shard) + 1 }

    /// A shard for what has no id yet but a text that must always lead to the same place.
    public func owner(ofText text: String) -> Int32 { Int32(StableHash.of(text) % UInt64(count)) }
}
