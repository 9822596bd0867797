// What a partition remembers of its producers: the last batches for deduplication, epochs for fencing, and which
// transactions are open or were aborted.

struct ProducerEntry {
    struct Batch {
        let firstSequence: Int32
        let lastSequence: Int32
        let baseOffset: Int64
        let timestamp: Int64
    }
    /// As many as a client may have in flight, like Kafka.
    static let remembered = 5

    var epoch: Int16
    var batches: [Batch] = []
    var lastSeenMilliseconds: Int64
}

struct AbortedTransaction {
    let producerId: Int64
    let firstOffset: Int64
    /// The offset of the abort marker.
    let lastOffset: Int64
}

struct ProducerState {
    enum Verdict {
        case append
        case duplicate(ProducerEntry.Batch)
        case refused(ErrorCode)
    }

    private(set) var entries: [Int64: ProducerEntry] = [:]
    /// Producer id → offset of the first record of its open transaction.
    private(set) var open: [Int64: Int64] = [:]
    private(set) var aborted: [AbortedTransaction] = []

    init() {}

    init(entries: [Int64: ProducerEntry], open: [Int64: Int64], aborted: [AbortedTransaction]) {
        self.entries = entries
        self.open = open
        self.aborted = aborted
    }

    var firstOpenOffset: Int64? { open.isEmpty ? nil : open.values.min() }

    /// Judges a batch of a client. A producer nobody remembers may begin with any sequence number.
    func judge(_ batch: BatchHeader) -> Verdict {
        guard batch.producerId >= 0, let entry = entries[batch.producerId] else { return .append }
        if batch.producerEpoch < entry.epoch { return .refused(.invalidProducerEpoch) }
        if batch.producerEpoch > entry.epoch {
            return batch.baseSequence == 0 ? .append : .refused(.outOfOrderSequenceNumber)
        }
        if !batch.isTransactional && open[batch.producerId] != nil { return .refused(.invalidTransactionState) }
        if let known = entry.batches.first(where: {
            $0.firstSequence == batch.baseSequence && $0.lastSequence == batch.lastSequence
        }) {
            return .duplicate(known)
        }
        guard let last = entry.batches.last else {
            return batch.baseSequence == 0 ? .append : .refused(.outOfOrderSequenceNumber)
        }
        let expected = BatchHeader.sequence(last.lastSequence, plus: 1)
        return batch.baseSequence == expected ? .append : .refused(.outOfOrderSequenceNumber)
    }

    /// Notes a stored batch that carries a producer id.
    mutating func note(_ batch: BatchHeader, nowMilliseconds: Int64) {
        guard batch.producerId >= 0 else { return }
        var entry =
            entries[batch.producerId]
            ?? ProducerEntry(epoch: batch.producerEpoch, lastSeenMilliseconds: nowMilliseconds)
        if batch.producerEpoch > entry.epoch {
            entry.epoch = batch.producerEpoch
            entry.batches = []
        }
        if entry.batches.count == ProducerEntry.remembered { entry.batches.removeFirst() }
        entry.batches.append(
            ProducerEntry.Batch(
                firstSequence: batch.baseSequence, lastSequence: batch.lastSequence, baseOffset: batch.baseOffset,
                timestamp: batch.maxTimestamp))
        entry.lastSeenMilliseconds = nowMilliseconds
        entries[batch.producerId] = entry
        if batch.isTransactional && open[batch.producerId] == nil { open[batch.producerId] = batch.baseOffset }
    }

    /// Notes the marker that ends a transaction; its epoch fences older incarnations here, too.
    mutating func noteMarker(_ marker: BatchHeader, commit: Bool, nowMilliseconds: Int64) {
        if let first = open.removeValue(forKey: marker.producerId), !commit {
            aborted.append(
                AbortedTransaction(producerId: marker.producerId, firstOffset: first, lastOffset: marker.baseOffset))
        }
        var entry =
            entries[marker.producerId]
            ?? ProducerEntry(epoch: marker.producerEpoch, lastSeenMilliseconds: nowMilliseconds)
        if marker.producerEpoch > entry.epoch {
            entry.epoch = marker.producerEpoch
            entry.batches = []
        }
        entry.lastSeenMilliseconds = nowMilliseconds
        entries[marker.producerId] = entry
    }

    /// The aborted transactions a reader of `range` has to know.
    func aborted(in range: Range<Int64>) -> [AbortedTransaction] {
        // Appended in the order of their markers: everything before the first match is older than the range.
        let start = partitioningIndex { $0.lastOffset >= range.lowerBound }
        return aborted[start...].filter { $0.firstOffset < range.upperBound }
    }

    private func partitioningIndex(_ matches: (AbortedTransaction) -> Bool) -> Int {
        var low = 0
        var high = aborted.count
        while low < high {
            let middle = (low + high) / 2
            if matches(aborted[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Drops aborted transactions whose records are gone.
    mutating func forgetAborted(before offset: Int64) { aborted.removeAll { $0.lastOffset < offset } }

    mutating func expire(before milliseconds: Int64) {
        entries = entries.filter { $0.value.lastSeenMilliseconds >= milliseconds || open[$0.key] != nil }
    }
}
