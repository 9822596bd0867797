// The topics of a system, by name. One system, one set of topics.
import Platform

public struct Topics: Sendable, Equatable {
    public let system: String

    public init(system: String) { self.system = system }

    /// Domain events, and nothing else.
    public var events: String { system }
    public func requests(_ service: String) -> String { "\(system).\(service).requests" }
    public func state(_ service: String) -> String { "\(system).\(service).state" }
    public var replies: String { "\(system).replies" }
    public var deadLetters: String { "\(system).dead-letters" }
    public var telemetry: String { "\(system).telemetry" }

    /// Each requester reads one partition of the replies.
    public static let replyPartitions: Int32 = 16

    /// The one that this instance reads.
    public static func replyPartition(of instance: String) -> Int32 {
        Int32(StableHash.of(instance) % UInt64(replyPartitions))
    }
}
