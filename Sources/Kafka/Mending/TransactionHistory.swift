// How a transaction ended, from the coordinator's own log. Needed where a new life of the producer has begun since: the
// coordinator itself then remembers nothing of the old one.

/// One record of `__transaction_state`.
struct TransactionStep {
    static let topic = "__transaction_state"

    let producerID: Int64
    let status: Int8
    let partitions: Set<TopicPartition>

    /// The decision that this step writes down: to commit, or to abort.
    var isCommit: Bool? { status == 2 ? true : status == 3 ? false : nil }

    init?(_ value: [UInt8]) {
        do throws(ProtocolReader.Malformed) {
            var reader = ProtocolReader(value)
            let version = try reader.integer(Int16.self)
            guard (0...1).contains(version) else { return nil }
            producerID = try reader.integer(Int64.self)
            _ = try reader.integer(Int16.self)
            _ = try reader.integer(Int32.self)
            status = try reader.integer(Int8.self)
            partitions = Set(try version == 0 ? Self.plain(&reader) : reader.compactPartitions())
        } catch { return nil }
    }

    private static func plain(_ reader: inout ProtocolReader) throws(ProtocolReader.Malformed) -> [TopicPartition] {
        try reader.array { (reader) throws(ProtocolReader.Malformed) in
            let topic = try reader.string() ?? ""
            return try reader.array { (reader) throws(ProtocolReader.Malformed) in
                TopicPartition(topic: topic, partition: try reader.integer(Int32.self))
            }
        }.flatMap { $0 }
    }

    /// The id that a record is about.
    static func transactionalID(ofKey key: [UInt8]) -> String? {
        var reader = ProtocolReader(key)
        guard let version = try? reader.integer(Int16.self), version == 0 else { return nil }
        return (try? reader.string()).flatMap { $0 }
    }

    /// The partition that keeps an id's transactions or a group's offsets: Java's hash of the text, without its sign.
    static func partition(of name: String, count: Int32) -> Int32 {
        var hash: Int32 = 0
        for unit in name.utf16 { hash = hash &* 31 &+ Int32(unit) }
        return hash == Int32.min ? 0 : abs(hash) % max(1, count)
    }
}

/// Reads what became of the last transaction of an id in a partition.
struct TransactionHistory {
    let settings: KafkaSettings
    /// Partitions of `__transaction_state`.
    let count: Int32

    private static let silenceMilliseconds: Int64 = 10_000

    /// True for commit, false for abort, nil where the log has been compacted since.
    func wasCommitted(
        in partition: TopicPartition, of producerID: Int64, by transactionalID: String
    ) throws(KafkaError) -> Bool? {
        let place = TopicPartition(
            topic: TransactionStep.topic, partition: TransactionStep.partition(of: transactionalID, count: count))
        let reader = try Reader(settings, clientID: "\(transactionalID)-history", readCommitted: false)
        defer { reader.close() }
        let ends = try reader.watermarks(place, timeoutMilliseconds: 5_000)
        guard ends.high > ends.low else { return nil }
        try reader.assign([Position(topic: place.topic, partition: place.partition, offset: ends.low)])
        var verdict: Bool?
        var lastHeard = Deadline(milliseconds: Int32(Self.silenceMilliseconds))
        while (reader.position(of: place) ?? 0) < ends.high {
            switch reader.poll(timeoutMilliseconds: 100) {
            case .record(let record):
                lastHeard = Deadline(milliseconds: Int32(Self.silenceMilliseconds))
                guard let key = record.key, TransactionStep.transactionalID(ofKey: key) == transactionalID,
                    let step = record.value.flatMap({ TransactionStep($0) }), step.producerID == producerID,
                    step.partitions.contains(partition), let isCommit = step.isCommit
                else { continue }
                verdict = isCommit
            case .failed(let error): throw error
            case .end, .idle:
                guard !lastHeard.isOver else {
                    throw KafkaError(
                        remedy: .retry, code: 0, name: "_TIMED_OUT", text: "\(place) is silent")
                }
            }
        }
        return verdict
    }
}
