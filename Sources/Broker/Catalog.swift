// The topics: names, ids, partitions and configuration.
import Platform

struct TopicPartition: Hashable {
    let topic: String
    let partition: Int32
}

final class Topic {
    let name: String
    let id: UUIDBytes
    let partitions: [PartitionLog]
    /// What the creator set; everything else has the broker's default.
    let overrides: [String: String]
    let config: TopicConfig

    init(name: String, id: UUIDBytes, partitions: [PartitionLog], overrides: [String: String], defaults: TopicConfig) {
        self.name = name
        self.id = id
        self.partitions = partitions
        self.overrides = overrides
        config = defaults.applying(overrides)
        for log in partitions { log.limits = config.limits }
    }

    func partition(_ number: Int32) -> PartitionLog? {
        number >= 0 && Int(number) < partitions.count ? partitions[Int(number)] : nil
    }
}

final class Catalog {
    private(set) var topics: [String: Topic] = [:]
    private let directory: String
    let defaults: TopicConfig

    init(directory: String, settings: BrokerSettings) {
        self.directory = directory + "/logs"
        defaults = TopicConfig(segmentBytes: settings.defaultSegmentBytes)
    }

    func partition(_ key: TopicPartition) -> PartitionLog? { topics[key.topic]?.partition(key.partition) }

    func topic(id: UUIDBytes) -> Topic? { topics.values.first { $0.id == id } }

    /// Adds a topic whose logs may exist already.
    func add(
        name: String, id: UUIDBytes, partitionCount: Int32, overrides: [String: String], nowMilliseconds: Int64
    ) throws(StorageError) {
        var logs: [PartitionLog] = []
        for number in 0..<partitionCount {
            logs.append(
                try PartitionLog(
                    topic: name, partition: number, directory: path(name, number), nowMilliseconds: nowMilliseconds))
        }
        topics[name] = Topic(name: name, id: id, partitions: logs, overrides: overrides, defaults: defaults)
    }

    func remove(_ name: String) { topics[name] = nil }

    private func path(_ topic: String, _ partition: Int32) -> String { "\(directory)/\(topic)-\(partition)" }

    func makeDirectory() throws(StorageError) { try FileSystem.makeDirectory(directory) }

    /// Removes logs of topics that were deleted while the process died.
    func removeStrangers() {
        let known = Set(topics.values.flatMap { topic in topic.partitions.map { "\(topic.name)-\($0.partition)" } })
        for name in FileSystem.list(directory) where !known.contains(name) {
            Log.warning("removing the log of a deleted topic", ["directory": LogValue(name)])
            FileSystem.removeTree(directory + "/" + name)
        }
    }

    /// Kafka's rule for names; they are also names of directories.
    static func isValid(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 249, name != ".", name != ".." else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
