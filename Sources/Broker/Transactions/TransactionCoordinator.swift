// Transactions: one journal entry decides, markers and offsets follow in the same turn of the loop. Because log,
// groups and coordinator live in one thread, nobody ever sees half of it, and the next transaction need not wait.
import Platform

final class TransactionCoordinator {
    /// Producer ids are reserved in the journal by the block, so that a crash skips some rather than repeat one.
    private static let producerIdBlock: Int64 = 1000
    static let retryMilliseconds: Int64 = 200

    let core: Core
    let offsets: GroupCoordinator
    var transactions: [String: Transaction] = [:]
    var nextProducerId: Int64 = 1
    var reservedProducerIds: Int64 = 1

    init(core: Core, groups: GroupCoordinator) {
        self.core = core
        offsets = groups
    }

    // MARK: Producer ids

    func newProducerId() -> Int64? {
        if nextProducerId >= reservedProducerIds {
            let limit = nextProducerId + TransactionCoordinator.producerIdBlock
            guard core.record(.producerIdsReserved, { $0.int64(limit) }) else { return nil }
            reservedProducerIds = limit
        }
        defer { nextProducerId += 1 }
        return nextProducerId
    }

    struct Identity {
        var code = ErrorCode.none
        var producerId: Int64 = -1
        var epoch: Int16 = -1
    }

    /// Gives a transactional id its next epoch; whoever used it before is fenced and what it left open is aborted.
    func initialize(_ id: String, timeoutMilliseconds: Int32, current: Identity) -> Identity {
        guard timeoutMilliseconds > 0, timeoutMilliseconds <= core.settings.maximumTransactionMilliseconds else {
            return Identity(code: .invalidTransactionTimeout)
        }
        if let known = transactions[id] {
            guard current.producerId < 0 || known.knows(current.producerId, current.epoch) else {
                return Identity(code: .producerFenced)
            }
            if known.state == .ongoing {
                let code = end(known, commit: false, fencing: true)
                if code != .none { return Identity(code: code) }
            }
            if known.isDecided { return Identity(code: .concurrentTransactions) }
            if current.producerId >= 0 && current.epoch != known.epoch {
                // It has its new epoch already: the answer was lost, or its transaction was ended without it.
                return Identity(producerId: known.producerId, epoch: known.epoch)
            }
        }
        guard let next = nextIdentity(after: transactions[id]) else { return Identity(code: .coordinatorNotAvailable) }
        let fresh = Transaction(
            id: id, producerId: next.producerId, epoch: next.epoch, timeoutMilliseconds: timeoutMilliseconds,
            wallMilliseconds: core.wallMilliseconds)
        if current.producerId == next.producerId { fresh.previousEpoch = current.epoch }
        guard core.record(.transaction, { TransactionJournal.write(&$0, fresh) }) else {
            return Identity(code: .coordinatorNotAvailable)
        }
        transactions[id] = fresh
        return next
    }

    /// The very last epoch is given to nobody: it is left for fencing. Who stands there, or before it, gets a new producer
    /// id.
    private func nextIdentity(after known: Transaction?) -> Identity? {
        if let known, known.epoch < Int16.max - 1 {
            return Identity(producerId: known.producerId, epoch: known.epoch + 1)
        }
        return newProducerId().map { Identity(producerId: $0, epoch: 0) }
    }

    // MARK: Inside a transaction

    private func find(_ id: String, _ producerId: Int64, _ epoch: Int16) throws(Refusal) -> Transaction {
        guard !id.isEmpty else { throw Refusal(code: .invalidRequest) }
        guard let transaction = transactions[id], transaction.producerId == producerId else {
            throw Refusal(code: .invalidProducerIdMapping)
        }
        guard transaction.epoch == epoch else { throw Refusal(code: .producerFenced) }
        return transaction
    }

    struct Refusal: Error { let code: ErrorCode }

    /// The first partition or group begins the transaction; its time counts from there.
    private func begin(_ transaction: Transaction) {
        transaction.lastUseMilliseconds = core.wallMilliseconds
        guard transaction.state != .ongoing else { return }
        transaction.state = .ongoing
        transaction.startedMilliseconds = core.wallMilliseconds
        watch(transaction)
    }

    /// One timer an id, not one a transaction: it sleeps to the end of the transaction it knew of and looks again.
    func watch(_ transaction: Transaction) {
        guard !transaction.isWatched else { return }
        transaction.isWatched = true
        core.after(milliseconds: timeLeft(transaction)) { [weak transaction] in
            guard let transaction else { return }
            transaction.isWatched = false
            guard transaction.state == .ongoing, self.transactions[transaction.id] === transaction else { return }
            guard self.timeLeft(transaction) <= 0 else { return self.watch(transaction) }
            Log.warning("transaction timed out and is aborted", ["transactionalId": LogValue(transaction.id)])
            if self.end(transaction, commit: false, fencing: true) != .none {
                self.core.after(milliseconds: TransactionCoordinator.retryMilliseconds) { self.watch(transaction) }
            }
        }
    }

    private func timeLeft(_ transaction: Transaction) -> Int64 {
        transaction.startedMilliseconds + Int64(transaction.timeoutMilliseconds) - core.wallMilliseconds
    }

    func addPartitions(_ id: String, _ producerId: Int64, _ epoch: Int16, _ partitions: [TopicPartition])
        throws(Refusal)
    {
        let transaction = try find(id, producerId, epoch)
        guard !transaction.isDecided else { throw Refusal(code: .concurrentTransactions) }
        let wasOngoing = transaction.state == .ongoing
        let fresh = wasOngoing ? partitions.filter { !transaction.partitions.contains($0) } : partitions
        guard !fresh.isEmpty else { return }
        let recorded = core.record(.transactionPartitions) { writer in
            writer.string(id)
            writer.int64(self.core.wallMilliseconds)
            writer.array(fresh) { writer, key in
                writer.string(key.topic)
                writer.int32(key.partition)
            }
        }
        guard recorded else { throw Refusal(code: .coordinatorNotAvailable) }
        begin(transaction)
        transaction.partitions.formUnion(fresh)
    }

    func addGroup(_ id: String, _ producerId: Int64, _ epoch: Int16, group: String) throws(Refusal) {
        let transaction = try find(id, producerId, epoch)
        guard !transaction.isDecided else { throw Refusal(code: .concurrentTransactions) }
        if transaction.state == .ongoing && transaction.groups.contains(group) { return }
        let recorded = core.record(.transactionGroup) { writer in
            writer.string(id)
            writer.int64(self.core.wallMilliseconds)
            writer.string(group)
        }
        guard recorded else { throw Refusal(code: .coordinatorNotAvailable) }
        begin(transaction)
        transaction.groups.insert(group)
    }

    func commitOffsets(
        _ id: String, _ producerId: Int64, _ epoch: Int16, _ committer: GroupCoordinator.Committer,
        _ held: GroupCoordinator.Offsets
    ) -> ErrorCode {
        guard !id.isEmpty else { return .invalidRequest }
        guard !committer.groupId.isEmpty else { return .invalidGroupId }
        guard let transaction = transactions[id], transaction.producerId == producerId else {
            return .invalidProducerIdMapping
        }
        guard transaction.epoch == epoch else { return .invalidProducerEpoch }
        guard transaction.state == .ongoing, transaction.groups.contains(committer.groupId) else {
            return .invalidTransactionState
        }
        let code = offsets.checkCommit(committer, transactional: true)
        guard code == .none else { return code }
        let recorded = core.record(.transactionOffsets) { writer in
            writer.string(id)
            writer.string(committer.groupId)
            OffsetsJournal.write(&writer, held)
        }
        guard recorded else { return .coordinatorNotAvailable }
        offsets.hold(committer.groupId, producerId: producerId, held)
        return .none
    }

    /// A transactional batch is stored only inside an open transaction that knows the partition.
    func verifyProduce(_ id: String?, _ batch: BatchHeader, _ key: TopicPartition) throws(RejectedBatch) {
        guard let id else { throw RejectedBatch(.transactionalIdAuthorizationFailed, "a transaction without its id") }
        guard let transaction = transactions[id], transaction.producerId == batch.producerId else {
            throw RejectedBatch(.invalidProducerIdMapping, "no such transactional id")
        }
        guard transaction.epoch == batch.producerEpoch else {
            throw RejectedBatch(.invalidProducerEpoch, "a newer producer has this transactional id")
        }
        guard transaction.state == .ongoing, transaction.partitions.contains(key) else {
            throw RejectedBatch(.invalidTransactionState, "the partition is not in an open transaction")
        }
    }

    // MARK: The end

    func end(_ id: String, _ producerId: Int64, _ epoch: Int16, commit: Bool) -> ErrorCode {
        let transaction: Transaction
        do { transaction = try find(id, producerId, epoch) } catch { return error.code }
        switch transaction.state {
        case .ongoing: return end(transaction, commit: commit, fencing: false)
        case .committed: return commit ? .none : .invalidTransactionState
        case .aborted: return commit ? .invalidTransactionState : .none
        case .preparingCommit, .preparingAbort: return .concurrentTransactions
        case .empty: return .invalidTransactionState
        }
    }

    /// Decides in the journal, then carries it out. With `fencing` the producer that had it open is shut out.
    private func end(_ transaction: Transaction, commit: Bool, fencing: Bool) -> ErrorCode {
        let epoch = fencing && transaction.epoch < Int16.max ? transaction.epoch + 1 : transaction.epoch
        let recorded = core.record(.transactionDecided) { writer in
            writer.string(transaction.id)
            writer.bool(commit)
            writer.int16(epoch)
        }
        guard recorded else { return .coordinatorNotAvailable }
        decide(transaction, commit: commit, epoch: epoch)
        carryOut(transaction)
        return .none
    }

    func decide(_ transaction: Transaction, commit: Bool, epoch: Int16) {
        if transaction.epoch != epoch { transaction.previousEpoch = transaction.epoch }
        transaction.epoch = epoch
        transaction.state = commit ? .preparingCommit : .preparingAbort
        transaction.lastUseMilliseconds = core.wallMilliseconds
        for group in transaction.groups { offsets.settle(group, producerId: transaction.producerId, commit: commit) }
        transaction.groups = []
    }

    /// Every partition of the transaction gets its marker; after a start only those that show to have none yet.
    func carryOut(_ transaction: Transaction, afterStart: Bool = false) {
        guard transaction.isDecided else { return }
        let commit = transaction.state == .preparingCommit
        for key in transaction.partitions {
            guard let log = core.catalog.partition(key) else { continue }
            if afterStart && log.producers.open[transaction.producerId] == nil { continue }
            do {
                try log.appendMarker(
                    commit: commit, producerId: transaction.producerId, epoch: transaction.epoch,
                    nowMilliseconds: core.wallMilliseconds)
                core.grown(log)
                transaction.partitions.remove(key)
            } catch {
                // A full disk: the decision stands, its markers follow when there is room.
                Log.error("transaction marker not written", ["error": LogValue(error.description)])
                return core.after(milliseconds: TransactionCoordinator.retryMilliseconds) {
                    self.carryOut(transaction, afterStart: afterStart)
                }
            }
        }
        transaction.partitions = []
        transaction.state = commit ? .committed : .aborted
    }
}
