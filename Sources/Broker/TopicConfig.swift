// The configuration of a topic: the entries this broker heeds, and those it accepts because clients set them.

struct TopicConfig {
    enum Kind: Int8 {
        case string = 2
        case int = 3
        case long = 5
        case list = 7
        case double = 6
        case boolean = 1
    }
    struct Entry {
        let name: String
        let value: String
        let kind: Kind
    }

    var retentionMilliseconds: Int64 = 7 * 24 * 3_600_000
    var retentionBytes: Int64 = -1
    var compacts = false
    var deletes = true
    var deleteRetentionMilliseconds: Int64 = 24 * 3_600_000
    var minimumDirtyRatio = 0.5
    var maximumMessageBytes = 1_048_588
    var limits = PartitionLog.Limits()

    init(segmentBytes: Int) { limits.segmentBytes = segmentBytes }

    /// Named, accepted and reported, without effect on one node or outside what this broker does.
    private static let inert: [(name: String, value: String, kind: Kind)] = [
        ("compression.type", "producer", .string), ("file.delete.delay.ms", "60000", .long),
        ("flush.messages", "9223372036854775807", .long), ("flush.ms", "9223372036854775807", .long),
        ("index.interval.bytes", "4096", .int), ("max.compaction.lag.ms", "9223372036854775807", .long),
        ("message.timestamp.type", "CreateTime", .string), ("min.compaction.lag.ms", "0", .long),
        ("min.insync.replicas", "1", .int), ("preallocate", "false", .boolean),
        ("segment.index.bytes", "10485760", .int), ("segment.jitter.ms", "0", .long),
        ("unclean.leader.election.enable", "false", .boolean),
    ]

    func applying(_ overrides: [String: String]) -> TopicConfig {
        var config = self
        for (name, value) in overrides { _ = config.set(name, value) }
        return config
    }

    /// False for a name nobody knows or a value that makes no sense.
    mutating func set(_ name: String, _ value: String) -> Bool {
        switch name {
        case "retention.ms": return assign(&retentionMilliseconds, value, from: -1)
        case "retention.bytes": return assign(&retentionBytes, value, from: -1)
        case "delete.retention.ms": return assign(&deleteRetentionMilliseconds, value, from: 0)
        case "max.message.bytes": return assign(&maximumMessageBytes, value, from: 0, to: Int(Int32.max))
        case "segment.bytes": return assign(&limits.segmentBytes, value, from: 14, to: Int(Int32.max))
        case "segment.ms": return assign(&limits.segmentMilliseconds, value, from: 1)
        case "min.cleanable.dirty.ratio":
            guard let ratio = Double(value), (0...1).contains(ratio) else { return false }
            minimumDirtyRatio = ratio
            return true
        case "cleanup.policy": return setPolicy(value)
        default: return TopicConfig.acceptsInert(name, value)
        }
    }

    /// What has no effect must make sense all the same: it has one on the day somebody moves to Apache Kafka.
    private static func acceptsInert(_ name: String, _ value: String) -> Bool {
        guard let kind = inert.first(where: { $0.name == name })?.kind else { return false }
        switch name {
        case "message.timestamp.type": return value == "CreateTime"
        case "compression.type":
            return ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"].contains(value)
        case "min.insync.replicas", "max.compaction.lag.ms", "flush.messages": return Int64(value) ?? 0 >= 1
        case "segment.index.bytes": return Int64(value) ?? 0 >= 4
        default: break
        }
        switch kind {
        case .boolean: return value == "true" || value == "false"
        case .int: return Int32(value) ?? -1 >= 0
        case .long: return Int64(value) ?? -1 >= 0
        case .string, .list, .double: return true
        }
    }

    private func assign<Number: FixedWidthInteger>(
        _ number: inout Number, _ text: String, from least: Number, to most: Number = .max
    ) -> Bool {
        guard let value = Number(text), value >= least, value <= most else { return false }
        number = value
        return true
    }

    private mutating func setPolicy(_ value: String) -> Bool {
        let policies = value.split(separator: ",").map { $0.filter { $0 != " " } }
        guard !policies.isEmpty, policies.allSatisfy({ $0 == "compact" || $0 == "delete" }) else { return false }
        compacts = policies.contains("compact")
        deletes = policies.contains("delete")
        return true
    }

    /// Everything there is, for DescribeConfigs.
    var entries: [Entry] {
        let policy = [compacts ? "compact" : nil, deletes ? "delete" : nil].compactMap { $0 }.joined(separator: ",")
        let heeded = [
            Entry(name: "cleanup.policy", value: policy, kind: .list),
            Entry(name: "delete.retention.ms", value: String(deleteRetentionMilliseconds), kind: .long),
            Entry(name: "max.message.bytes", value: String(maximumMessageBytes), kind: .int),
            Entry(name: "min.cleanable.dirty.ratio", value: String(minimumDirtyRatio), kind: .double),
            Entry(name: "retention.bytes", value: String(retentionBytes), kind: .long),
            Entry(name: "retention.ms", value: String(retentionMilliseconds), kind: .long),
            Entry(name: "segment.bytes", value: String(limits.segmentBytes), kind: .int),
            Entry(name: "segment.ms", value: String(limits.segmentMilliseconds), kind: .long),
        ]
        return heeded + TopicConfig.inert.map { Entry(name: $0.name, value: $0.value, kind: $0.kind) }
    }
}
