// The topics a system needs, as data: the table of section 3 of the architecture.
import Contract
import Platform
import Wire

struct TopicPlan: Sendable, Equatable {
    let name: String
    let partitions: Int32
    let settings: [String: String]

    private static let minute: Int64 = 60_000
    private static let hour: Int64 = 60 * minute
    private static let day: Int64 = 24 * hour

    /// All topics of a system with so many shards.
    static func all(_ system: SystemContract, shards: Int32, events retention: Int64) -> [TopicPlan] {
        let topics = system.topics
        var plans = [
            deleting(topics.events, shards, after: retention),
            // Lists of a whole shard travel here in one record.
            deleting(topics.replies, Topics.replyPartitions, after: 10 * minute, bytesMax: 8 << 20),
            // A letter is a record of another topic and, in headers, what is to be said about it.
            deleting(topics.deadLetters, 1, after: 30 * day, bytesMax: 3 << 20),
            deleting(topics.telemetry, 1, after: 10 * minute),
        ]
        for service in system.services {
            plans.append(deleting(topics.requests(service.name), shards, after: hour))
            plans.append(compacting(topics.state(service.name), shards))
        }
        return plans
    }

    private static func deleting(
        _ name: String, _ partitions: Int32, after milliseconds: Int64, bytesMax: Int = 2 << 20
    )
        -> TopicPlan
    {
        // A segment is deleted as a whole, so it must not outlive what it holds by much.
        TopicPlan(
            name: name, partitions: partitions,
            settings: [
                "cleanup.policy": "delete", "retention.ms": String(milliseconds),
                "segment.ms": String(max(minute, min(milliseconds / 2, 7 * day))),
                "max.message.bytes": String(bytesMax),
            ])
    }

    private static func compacting(_ name: String, _ partitions: Int32) -> TopicPlan {
        // Moderate segments: the newest one is never compacted, and a restore reads it whole.
        TopicPlan(
            name: name, partitions: partitions,
            settings: [
                "cleanup.policy": "compact", "delete.retention.ms": String(7 * day), "segment.bytes": String(32 << 20),
                "segment.ms": String(day), "min.cleanable.dirty.ratio": "0.3", "max.message.bytes": String(2 << 20),
            ])
    }
}

/// What an operator may say about the topics.
struct TopicSettings: Sendable {
    let shards: Int32
    let eventsRetentionMilliseconds: Int64
    let replicationFactor: Int16
    let minInSyncReplicas: Int16
    /// How long to wait for a broker that does not answer yet.
    let patienceMilliseconds: Int64

    init(_ settings: Settings) throws(SettingsError) {
        shards = try settings.integer("SHARDS", default: 12, in: 1...1000)
        let hours: Int64 = try settings.integer("EVENTS_RETENTION_HOURS", default: 720, in: 1...876_000)
        eventsRetentionMilliseconds = hours * 3_600_000
        replicationFactor = try settings.integer("KAFKA_REPLICATION_FACTOR", default: 1, in: 1...99)
        let safe: Int16 = replicationFactor >= 3 ? 2 : 1
        minInSyncReplicas = try settings.integer("KAFKA_MIN_INSYNC_REPLICAS", default: safe, in: 1...99)
        guard minInSyncReplicas <= replicationFactor else {
            throw SettingsError(
                "KAFKA_MIN_INSYNC_REPLICAS",
                "is \(minInSyncReplicas), more than the \(replicationFactor) replicas of KAFKA_REPLICATION_FACTOR")
        }
        patienceMilliseconds = try settings.integer("TOPICS_WAIT_MS", default: 120_000, in: 0...3_600_000)
    }
}
