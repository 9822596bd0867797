// The calls of Kafka's protocol that the mender needs. The layouts are those of the versions named here, no others.

internal import CRdKafka

/// Where partitions are, as a broker says.
struct ClusterMap {
    var addresses: [Int32: String] = [:]
    var leaders: [TopicPartition: Int32] = [:]
}

/// A producer in a partition, mostly one with a transaction open.
struct OpenTransaction: Hashable {
    let partition: TopicPartition
    let producerID: Int64
    let producerEpoch: Int16
    let coordinatorEpoch: Int32
    /// Negative where no transaction is open.
    let startOffset: Int64
    let lastTimestamp: Int64
}

/// What the transaction coordinator knows of a producer.
struct CoordinatorsView {
    let transactionalID: String
    let state: String
    var producerEpoch: Int16 = -1
    /// Those of the transaction that is open now; not told for somebody else's.
    var partitions: Set<TopicPartition> = []
}

struct TransactionMarker: Hashable {
    let producerID: Int64
    let producerEpoch: Int16
    let coordinatorEpoch: Int32
    let isCommit: Bool
}

extension BrokerLine {
    static let describeProducers: Int16 = 61
    static let describeTransactions: Int16 = 65
    static let listTransactions: Int16 = 66
    static let writeMarkers: Int16 = 27

    /// The calls a broker knows, by number, and the newest version of each.
    func apiVersions() throws(KafkaError) -> [Int16: Int16] {
        var answer = try ask(18, version: 0, isFlexible: false) { _ in }
        return try reading { () throws(ProtocolReader.Malformed) in
            _ = try answer.integer(Int16.self)
            var newest: [Int16: Int16] = [:]
            for (key, version) in try answer.array({ (reader) throws(ProtocolReader.Malformed) -> (Int16, Int16) in
                let key = try reader.integer(Int16.self)
                _ = try reader.integer(Int16.self)
                return (key, try reader.integer(Int16.self))
            }) {
                newest[key] = version
            }
            return newest
        }
    }

    /// Throws while a partition has no leader. Topics that do not exist are left out.
    func metadata(_ topics: [String]) throws(KafkaError) -> ClusterMap {
        var answer = try ask(3, version: 1, isFlexible: false) { $0.array(topics) { $0.string($1) } }
        var trouble: Int16 = 0
        let map = try reading { () throws(ProtocolReader.Malformed) in
            var map = ClusterMap()
            _ = try answer.array { (reader) throws(ProtocolReader.Malformed) in
                let id = try reader.integer(Int32.self)
                let host = try reader.string() ?? ""
                map.addresses[id] = "\(host):\(try reader.integer(Int32.self))"
                _ = try reader.string()
            }
            _ = try answer.integer(Int32.self)
            _ = try answer.array { (reader) throws(ProtocolReader.Malformed) in
                let code = try reader.integer(Int16.self)
                let topic = try reader.string() ?? ""
                _ = try reader.bool()
                if code != 0 && code != Self.unknownTopic { trouble = code }
                _ = try reader.array { (reader) throws(ProtocolReader.Malformed) in
                    let code = try reader.integer(Int16.self)
                    let partition = try reader.integer(Int32.self)
                    map.leaders[TopicPartition(topic: topic, partition: partition)] = try reader.integer(Int32.self)
                    if code != 0 && code != Self.replicaNotAvailable { trouble = code }
                    for _ in 0..<2 {
                        _ = try reader.array { (reader) throws(ProtocolReader.Malformed) in
                            try reader.integer(Int32.self)
                        }
                    }
                }
            }
            return map
        }
        try check(trouble, "ask \(address) for leaders")
        return map
    }

    /// Producers in partitions that this broker leads.
    func producers(_ partitions: [TopicPartition]) throws(KafkaError) -> [OpenTransaction] {
        var answer = try ask(Self.describeProducers, version: 0, isFlexible: true) { writer in
            writer.compactPartitions(partitions)
            writer.noTags()
        }
        var trouble: Int16 = 0
        let open = try reading { () throws(ProtocolReader.Malformed) in
            var open: [OpenTransaction] = []
            _ = try answer.integer(Int32.self)
            _ = try answer.compactArray { (reader) throws(ProtocolReader.Malformed) in
                let topic = try reader.compactString() ?? ""
                _ = try reader.compactArray { (reader) throws(ProtocolReader.Malformed) in
                    let place = TopicPartition(topic: topic, partition: try reader.integer(Int32.self))
                    let code = try reader.integer(Int16.self)
                    if code != 0 { trouble = code }
                    _ = try reader.compactString()
                    open += try reader.compactArray { (reader) throws(ProtocolReader.Malformed) in
                        try Self.producer(place, &reader)
                    }
                    try reader.skipTags()
                }
                try reader.skipTags()
            }
            return open
        }
        try check(trouble, "describe the producers of \(address)")
        return open
    }

    private static func producer(
        _ place: TopicPartition, _ reader: inout ProtocolReader
    ) throws(ProtocolReader.Malformed) -> OpenTransaction {
        let id = try reader.integer(Int64.self)
        let epoch = try reader.integer(Int32.self)
        _ = try reader.integer(Int32.self)
        let timestamp = try reader.integer(Int64.self)
        let coordinator = try reader.integer(Int32.self)
        let start = try reader.integer(Int64.self)
        try reader.skipTags()
        return OpenTransaction(
            partition: place, producerID: id, producerEpoch: Int16(clamping: epoch), coordinatorEpoch: coordinator,
            startOffset: start, lastTimestamp: timestamp)
    }

    /// What this broker knows of these ids as their coordinator. An id that it has never seen has no view; one that it
    /// does not answer for, or not yet, is missing.
    func describe(_ ids: [String]) throws(KafkaError) -> [String: (producerID: Int64, view: CoordinatorsView?)] {
        var answer = try ask(Self.describeTransactions, version: 0, isFlexible: true) { writer in
            writer.compactArray(ids) { $0.compactString($1) }
            writer.noTags()
        }
        return try reading { () throws(ProtocolReader.Malformed) in
            var known: [String: (producerID: Int64, view: CoordinatorsView?)] = [:]
            _ = try answer.integer(Int32.self)
            _ = try answer.compactArray { (reader) throws(ProtocolReader.Malformed) in
                let code = try reader.integer(Int16.self)
                let id = try reader.compactString() ?? ""
                let state = try reader.compactString() ?? ""
                _ = try reader.integer(Int32.self)
                _ = try reader.integer(Int64.self)
                let producer = try reader.integer(Int64.self)
                let epoch = try reader.integer(Int16.self)
                let partitions = try reader.compactPartitions()
                try reader.skipTags()
                let view = CoordinatorsView(
                    transactionalID: id, state: state, producerEpoch: epoch, partitions: Set(partitions))
                if code == 0 { known[id] = (producer, view) }
                if code == Self.unknownTransactionalID { known[id] = (-1, nil) }
            }
            return known
        }
    }

    /// What this broker, as a coordinator, knows of these producers. One that is only starting says nothing of them.
    func transactions(of producers: [Int64]) throws(KafkaError) -> [Int64: CoordinatorsView] {
        var answer = try ask(Self.listTransactions, version: 0, isFlexible: true) { writer in
            writer.compactArray([String]()) { $0.compactString($1) }
            writer.compactArray(producers) { $0.integer($1) }
            writer.noTags()
        }
        var trouble: Int16 = 0
        let known = try reading { () throws(ProtocolReader.Malformed) in
            var known: [Int64: CoordinatorsView] = [:]
            _ = try answer.integer(Int32.self)
            trouble = try answer.integer(Int16.self)
            _ = try answer.compactArray { (reader) throws(ProtocolReader.Malformed) in try reader.compactString() }
            _ = try answer.compactArray { (reader) throws(ProtocolReader.Malformed) in
                let id = try reader.compactString() ?? ""
                let producer = try reader.integer(Int64.self)
                known[producer] = CoordinatorsView(transactionalID: id, state: try reader.compactString() ?? "")
                try reader.skipTags()
            }
            return known
        }
        try check(trouble, "list the transactions of \(address)")
        return known
    }

    /// Ends transactions in partitions that this broker leads.
    func write(_ markers: [TransactionMarker: [TopicPartition]]) throws(KafkaError) {
        var answer = try ask(Self.writeMarkers, version: 1, isFlexible: true) { writer in
            writer.compactArray(Array(markers)) { writer, entry in
                writer.integer(entry.key.producerID)
                writer.integer(entry.key.producerEpoch)
                writer.bool(entry.key.isCommit)
                writer.compactPartitions(entry.value)
                writer.integer(max(0, entry.key.coordinatorEpoch))
                writer.noTags()
            }
            writer.noTags()
        }
        var trouble: Int16 = 0
        try reading { () throws(ProtocolReader.Malformed) in
            _ = try answer.compactArray { (reader) throws(ProtocolReader.Malformed) in
                _ = try reader.integer(Int64.self)
                _ = try reader.compactArray { (reader) throws(ProtocolReader.Malformed) in
                    _ = try reader.compactString()
                    _ = try reader.compactArray { (reader) throws(ProtocolReader.Malformed) in
                        _ = try reader.integer(Int32.self)
                        let code = try reader.integer(Int16.self)
                        // A newer life of the producer has gone on there, and what it does ends the old one too.
                        if code != 0 && code != Self.oldEpoch && code != Self.oldCoordinator { trouble = code }
                        try reader.skipTags()
                    }
                    try reader.skipTags()
                }
                try reader.skipTags()
            }
        }
        try check(trouble, "end transactions at \(address)")
    }

    // MARK: - Codes

    private static let unknownTopic: Int16 = 3
    private static let replicaNotAvailable: Int16 = 9
    private static let unknownTransactionalID: Int16 = 105
    private static let oldEpoch: Int16 = 47
    private static let oldCoordinator: Int16 = 52

    private func check(_ code: Int16, _ what: String) throws(KafkaError) {
        guard code != 0 else { return }
        throw KafkaError(rd_kafka_resp_err_t(Int32(code)), doing: what)
    }

    private func reading<R>(_ body: () throws(ProtocolReader.Malformed) -> R) throws(KafkaError) -> R {
        do { return try body() } catch { throw broken("understand \(address)") }
    }
}
