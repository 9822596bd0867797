// Ends transactions that the broker has decided and forgotten to end in some partitions.
//
// Apache Kafka 4.3.1 that is killed and started again has a moment in which its partitions have no leader. Markers that
// wait for delivery then count as belonging to deleted partitions: they are dropped, and the transaction is noted as
// complete. Its records and offsets stay undecided for ever: readers of committed records stop there, the group's offsets
// cannot be fetched, and the next marker of the same producer would decide them, rightly or wrongly. The marker that is
// missing is therefore written before the producer goes on. docs/decisions/0021 has the whole story.

internal import Platform

/// Belongs to one thread.
public final class TransactionMender {
    public struct Mended: Sendable, Equatable {
        public let transactionalID: String
        public let isCommit: Bool
        public let partitions: [TopicPartition]
    }

    /// How long a transaction of somebody else must have been left alone: its owner would have ended it long ago.
    public static let foreignMilliseconds: Int64 = 30_000
    /// How long a broker may take to answer one question where the caller does not say.
    public static let patienceMilliseconds = 3_000
    private static let offsetsTopic = "__consumer_offsets"

    private let settings: KafkaSettings
    private let topics: [String]
    private let own: Set<String>
    private var lines: [String: BrokerLine] = [:]
    private var patience = TransactionMender.patienceMilliseconds
    private var isUnavailable = false
    private var hasLooked = false
    private var ownIsOngoing = false

    /// - topics: where the producers of these ids write, beside the offsets of groups.
    public init(_ settings: KafkaSettings, topics: [String], transactionalIDs: Set<String>) {
        self.settings = settings
        self.topics = topics + [Self.offsetsTopic]
        own = transactionalIDs
        if settings.isSecured {
            isUnavailable = true
            Log.info("a secured broker is not searched for transactions that hang")
        }
    }

    /// No broker has gone away since the last look, so that nothing can hang that did not then.
    public var isCurrent: Bool { isUnavailable || (hasLooked && lines.values.allSatisfy(\.isUp)) }

    /// Looks for transactions that hang and ends them. Only between transactions of the own ids. An error of remedy
    /// `.retry` means that the brokers are not ready to say. The thread stands still meanwhile: the first broker that stays
    /// silent for longer than the patience ends the look.
    public func mend(
        patienceMilliseconds: Int = TransactionMender.patienceMilliseconds
    ) throws(KafkaError) -> [Mended] {
        guard !isUnavailable else { return [] }
        hasLooked = false
        lines = lines.filter { $0.value.isUp }
        patience = patienceMilliseconds
        for line in lines.values { line.patienceMilliseconds = patience }
        do throws(KafkaError) {
            ownIsOngoing = false
            let mended = try look()
            // What a predecessor has open is aborted when its id begins a new life; what remains then is looked at then.
            hasLooked = !ownIsOngoing
            return mended
        } catch {
            guard error.remedy == .fixConfiguration else { throw error }
            giveUp(error.description)
            return []
        }
    }

    private func look() throws(KafkaError) -> [Mended] {
        let bootstrap = try firstLine()
        let known = try bootstrap.apiVersions()
        let needed = [BrokerLine.describeProducers, BrokerLine.describeTransactions, BrokerLine.listTransactions]
        guard needed.allSatisfy({ known[$0] != nil }), known[BrokerLine.writeMarkers, default: 0] >= 1 else {
            giveUp("the broker does not know the calls")
            return []
        }
        let map = try bootstrap.metadata(topics + [TransactionStep.topic])
        // Every broker is kept in sight, also one that leads nothing now; one that is away and leads nothing is not missed.
        for address in map.addresses.values { _ = try? line(address) }
        let watched = map.leaders.keys.filter { $0.topic != TransactionStep.topic }
        let before = try open(watched, map)
        guard !before.isEmpty else { return [] }
        let views = try views(of: Set(before.map(\.producerID)), map)
        var verdicts: [OpenTransaction: Bool] = [:]
        for transaction in before {
            verdicts[transaction] = try verdict(transaction, views[transaction.producerID], map)
        }
        // What was open before the coordinator said that all is over, and still is, hangs.
        let after = try open(Array(Set(verdicts.keys.map(\.partition))), map)
        let hanging = verdicts.filter { candidate in
            after.contains {
                $0.producerID == candidate.key.producerID && $0.partition == candidate.key.partition
                    && $0.startOffset == candidate.key.startOffset
            }
        }
        try end(hanging, map)
        return summary(hanging, views)
    }

    /// Whether to commit, to abort, or (nil) to leave it alone.
    private func verdict(
        _ open: OpenTransaction, _ view: CoordinatorsView?, _ map: ClusterMap
    ) throws(KafkaError) -> Bool? {
        guard let view else { return nil }
        let isOwn = own.contains(view.transactionalID)
        let age = Clock.wallMilliseconds() - open.lastTimestamp
        guard isOwn || age >= Self.foreignMilliseconds else { return nil }
        switch view.state {
        case "CompleteCommit", "CompleteAbort", "Empty":
            return try settledVerdict(open.partition, open.producerID, view, map)
        case "Ongoing":
            guard isOwn else { return nil }
            ownIsOngoing = true
            guard !view.partitions.contains(open.partition) else { return nil }
            return try pastVerdict(open.partition, open.producerID, view, map)
        default:
            guard isOwn else { return nil }
            throw KafkaError(
                remedy: .retry, code: 0, name: "CONCURRENT_TRANSACTIONS",
                text: "the last transaction of \(view.transactionalID) is still being ended")
        }
    }

    /// How the last transaction ended, where the coordinator has nothing open; nil where it has, or nobody knows.
    private func settledVerdict(
        _ partition: TopicPartition, _ producerID: Int64, _ view: CoordinatorsView, _ map: ClusterMap
    ) throws(KafkaError) -> Bool? {
        switch view.state {
        case "CompleteCommit": return true
        case "CompleteAbort": return false
        case "Empty": return try pastVerdict(partition, producerID, view, map)
        default: return nil
        }
    }

    private func pastVerdict(
        _ partition: TopicPartition, _ producerID: Int64, _ view: CoordinatorsView, _ map: ClusterMap
    ) throws(KafkaError) -> Bool? {
        let count = map.leaders.keys.count { $0.topic == TransactionStep.topic }
        let history = TransactionHistory(settings: settings, count: Int32(count))
        let verdict = try history.wasCommitted(in: partition, of: producerID, by: view.transactionalID)
        if let verdict { return verdict }
        Log.error(
            "a transaction hangs and nobody knows how it ended; kafka-transactions.sh abort ends it",
            ["transaction": LogValue(view.transactionalID), "topic": LogValue(partition.topic)])
        return nil
    }

    private func open(_ partitions: [TopicPartition], _ map: ClusterMap) throws(KafkaError) -> [OpenTransaction] {
        var open: [OpenTransaction] = []
        for (leader, partitions) in Dictionary(grouping: partitions, by: { map.leaders[$0] ?? -1 }) {
            open += try line(of: leader, map).producers(partitions).filter { $0.startOffset >= 0 }
        }
        return open
    }

    /// The coordinator must have spoken about every own id: one that is only starting knows nothing, which is not the
    /// same as that there is nothing.
    private func views(of producers: Set<Int64>, _ map: ClusterMap) throws(KafkaError) -> [Int64: CoordinatorsView] {
        var views: [Int64: CoordinatorsView] = [:]
        for address in map.addresses.values {
            views.merge(try line(address).transactions(of: producers.sorted())) { $1 }
        }
        views.merge(try ownViews(map)) { $1 }
        return views
    }

    private func ownViews(_ map: ClusterMap) throws(KafkaError) -> [Int64: CoordinatorsView] {
        var mine: [String: (producerID: Int64, view: CoordinatorsView?)] = [:]
        for address in map.addresses.values { mine.merge(try line(address).describe(own.sorted())) { $1 } }
        guard own.allSatisfy({ mine[$0] != nil }) else {
            throw KafkaError(
                remedy: .retry, code: 15, name: "COORDINATOR_NOT_AVAILABLE",
                text: "the transactions of \(own.sorted().joined(separator: " and ")) are not known yet")
        }
        var views: [Int64: CoordinatorsView] = [:]
        for (_, (producer, view)) in mine { views[producer] = view }
        return views
    }

    private func end(_ hanging: [OpenTransaction: Bool], _ map: ClusterMap) throws(KafkaError) {
        for (leader, transactions) in Dictionary(grouping: hanging, by: { map.leaders[$0.key.partition] ?? -1 }) {
            var markers: [TransactionMarker: [TopicPartition]] = [:]
            for (open, isCommit) in transactions {
                let marker = TransactionMarker(
                    producerID: open.producerID, producerEpoch: open.producerEpoch,
                    coordinatorEpoch: open.coordinatorEpoch, isCommit: isCommit)
                markers[marker, default: []].append(open.partition)
            }
            try line(of: leader, map).write(markers)
        }
    }

    private func summary(_ hanging: [OpenTransaction: Bool], _ views: [Int64: CoordinatorsView]) -> [Mended] {
        Dictionary(grouping: hanging, by: { $0.key.producerID }).map { producer, transactions in
            Mended(
                transactionalID: views[producer]?.transactionalID ?? "unknown id of producer \(producer)",
                isCommit: transactions.contains(where: \.value), partitions: transactions.map(\.key.partition))
        }
    }

    // MARK: - A group that waits for nothing

    /// Says once more how the last transactions of the own ids ended in the offsets of a group. Apache Kafka 4.3.1 whose
    /// partitions change hands while it loads them can have read an offset after the marker that ended it: the log is
    /// right, and the coordinator waits for ever.
    public func remind(group: String) throws(KafkaError) -> [Mended] {
        guard !isUnavailable else { return [] }
        let map = try firstLine().metadata([Self.offsetsTopic, TransactionStep.topic])
        let count = map.leaders.keys.count { $0.topic == Self.offsetsTopic }
        let place = TopicPartition(
            topic: Self.offsetsTopic, partition: TransactionStep.partition(of: group, count: Int32(count)))
        guard let leader = map.leaders[place] else { return [] }
        let views = try ownViews(map)
        var verdicts: [OpenTransaction: Bool] = [:]
        for producer in try line(of: leader, map).producers([place]) where producer.startOffset < 0 {
            guard let view = views[producer.producerID] else { continue }
            verdicts[producer] = try settledVerdict(place, producer.producerID, view, map)
        }
        try end(verdicts, map)
        return summary(verdicts, views)
    }

    // MARK: - Connections

    private func firstLine() throws(KafkaError) -> BrokerLine {
        if let line = lines.values.first(where: \.isUp) { return line }
        var trouble: KafkaError?
        for address in settings.bootstrap.split(separator: ",") {
            let name = (address.split(separator: "/").last ?? "").filter { $0 != " " }
            do throws(KafkaError) { return try line(name) } catch { trouble = error }
        }
        throw trouble ?? KafkaError(remedy: .retry, code: 0, name: "_TRANSPORT", text: "no broker to ask")
    }

    private func line(of leader: Int32, _ map: ClusterMap) throws(KafkaError) -> BrokerLine {
        guard let address = map.addresses[leader] else {
            throw KafkaError(remedy: .retry, code: 5, name: "LEADER_NOT_AVAILABLE", text: "no leader")
        }
        return try line(address)
    }

    private func line(_ address: String) throws(KafkaError) -> BrokerLine {
        if let line = lines[address] { return line }
        let line = try BrokerLine(address, patienceMilliseconds: patience)
        lines[address] = line
        return line
    }

    private func giveUp(_ reason: String) {
        isUnavailable = true
        lines = [:]
        Log.info("transactions that hang are not looked for", ["reason": LogValue(reason)])
    }
}
