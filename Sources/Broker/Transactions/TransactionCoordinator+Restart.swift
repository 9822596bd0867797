// What transactions leave behind: for the journal, for the next start, and for nobody once they are old.
import Platform

extension TransactionCoordinator {
    func forgetTopic(_ topic: String) {
        for transaction in transactions.values {
            transaction.partitions = transaction.partitions.filter { $0.topic != topic }
        }
    }

    /// Transactional ids nobody used for a week are forgotten, as with Kafka.
    func expire() {
        let limit = core.wallMilliseconds - core.settings.transactionalIdExpirationMilliseconds
        for transaction in transactions.values where transaction.lastUseMilliseconds < limit {
            guard transaction.state != .ongoing, !transaction.isDecided else { continue }
            if core.record(.transactionForgotten, { $0.string(transaction.id) }) { transactions[transaction.id] = nil }
        }
    }

    func snapshot() -> [ByteWriter] {
        var entries = [Journal.entry(.producerIdsReserved) { $0.int64(reservedProducerIds) }]
        for transaction in transactions.values {
            entries.append(Journal.entry(.transaction) { TransactionJournal.write(&$0, transaction) })
            for group in transaction.groups {
                guard let held = offsets.groups[group]?.pendingOffsets[transaction.producerId] else { continue }
                entries.append(
                    Journal.entry(.transactionOffsets) { writer in
                        writer.string(transaction.id)
                        writer.string(group)
                        OffsetsJournal.write(&writer, held)
                    })
            }
        }
        return entries
    }

    func replay(_ kind: JournalKind, _ reader: inout ByteReader) throws(MalformedRequest) {
        if kind == .producerIdsReserved {
            nextProducerId = try reader.int64()
            reservedProducerIds = nextProducerId
            return
        }
        if kind == .transaction {
            let transaction = try TransactionJournal.read(&reader)
            transactions[transaction.id] = transaction
            return
        }
        let id = try reader.string()
        guard let transaction = transactions[id] else { return }
        switch kind {
        case .transactionPartitions:
            replayBegin(transaction, try reader.int64())
            for _ in 0..<(try reader.nullableCount() ?? 0) {
                let topic = try reader.string()
                transaction.partitions.insert(TopicPartition(topic: topic, partition: try reader.int32()))
            }
        case .transactionGroup:
            replayBegin(transaction, try reader.int64())
            transaction.groups.insert(try reader.string())
        case .transactionOffsets:
            let group = try reader.string()
            offsets.hold(group, producerId: transaction.producerId, try OffsetsJournal.read(&reader))
        case .transactionDecided:
            let commit = try reader.bool()
            decide(transaction, commit: commit, epoch: try reader.int16())
        default: transactions[id] = nil
        }
    }

    private func replayBegin(_ transaction: Transaction, _ started: Int64) {
        transaction.lastUseMilliseconds = started
        guard transaction.state != .ongoing else { return }
        // A transaction that began after a decision proves that the decision was carried out.
        transaction.partitions = []
        transaction.state = .ongoing
        transaction.startedMilliseconds = started
    }

    /// After journal and logs were read: finishes what was decided, goes on with what was open, and aborts in the logs
    /// what no transaction knows any more.
    func resume() {
        for transaction in transactions.values {
            transaction.partitions = transaction.partitions.filter { core.catalog.partition($0) != nil }
            if transaction.isDecided { carryOut(transaction, afterStart: true) }
            if transaction.state == .ongoing { watch(transaction) }
        }
        abortOrphans()
    }

    /// Without a marker nobody would read past what they left open, so on a full disk this waits for room, like `carryOut`.
    private func abortOrphans() {
        let known = Set(transactions.values.filter { $0.state == .ongoing || $0.isDecided }.map(\.producerId))
        do {
            for topic in core.catalog.topics.values {
                for log in topic.partitions { try abort(in: log, except: known) }
            }
        } catch {
            Log.error("transaction marker not written", ["error": LogValue(describing: error)])
            core.after(milliseconds: TransactionCoordinator.retryMilliseconds) { self.abortOrphans() }
        }
    }

    private func abort(in log: PartitionLog, except known: Set<Int64>) throws(StorageError) {
        for producerId in log.producers.open.keys where !known.contains(producerId) {
            let epoch = log.producers.entries[producerId]?.epoch ?? 0
            try log.appendMarker(
                commit: false, producerId: producerId, epoch: epoch, nowMilliseconds: core.wallMilliseconds)
            core.grown(log)
        }
    }
}
