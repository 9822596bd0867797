// The log of one partition: segments on disk, offsets, producers and transactions.
import Platform

final class PartitionLog {
    struct Limits {
        var segmentBytes = 16 * 1024 * 1024
        var segmentMilliseconds: Int64 = 7 * 24 * 3600 * 1000
        /// How much may be appended before a new checkpoint shortens the next start.
        var checkpointBytes = 8 * 1024 * 1024
    }
    enum Appended {
        case stored(baseOffset: Int64)
        case duplicate(ProducerEntry.Batch)
        case refused(ErrorCode)
    }

    let topic: String
    let partition: Int32
    let directory: String
    var limits = Limits()
    private(set) var segments: [Segment]
    private(set) var producers = ProducerState()
    private var bytesSinceCheckpoint = 0
    /// How far compaction has come.
    private(set) var cleanedUpTo: Int64 = 0
    /// Fetches that wait for this partition to grow, or for its last stable offset to move.
    var waiters: [FetchWaiter] = []

    var logStartOffset: Int64 { segments[0].baseOffset }
    var nextOffset: Int64 { segments[segments.count - 1].nextOffset }
    /// Read-committed readers stop before the first open transaction.
    private(set) var lastStableOffset: Int64 = 0
    private var active: Segment { segments[segments.count - 1] }
    var totalBytes: Int { segments.reduce(0) { $0 + $1.size } }

    /// Opens what a directory holds, or stands for an empty log of which nothing is on disk yet.
    init(topic: String, partition: Int32, directory: String, nowMilliseconds: Int64) throws(StorageError) {
        self.topic = topic
        self.partition = partition
        self.directory = directory
        segments = [Segment(directory: directory, baseOffset: 0, createdMilliseconds: nowMilliseconds)]
        if FileSystem.exists(directory) { try recover(nowMilliseconds: nowMilliseconds) }
        moveLastStableOffset()
    }

    // MARK: Writing

    /// Stores a checked batch of a client. The frame it lies in is patched: offset and leader epoch are ours.
    func append(_ bytes: inout [UInt8], _ range: Range<Int>, _ header: BatchHeader, nowMilliseconds: Int64)
        throws(StorageError) -> Appended
    {
        switch producers.judge(header) {
        case .duplicate(let batch): return .duplicate(batch)
        case .refused(let code): return .refused(code)
        case .append: break
        }
        let base = nextOffset
        for index in 0..<8 {
            bytes[range.lowerBound + index] = UInt8(truncatingIfNeeded: base >> Int64(56 - 8 * index))
        }
        for index in 0..<4 { bytes[range.lowerBound + BatchHeader.leaderEpochOffset + index] = 0 }
        guard let placed = BatchHeader(bytes, at: range.lowerBound) else { return .refused(.corruptMessage) }
        try store(bytes, range, placed, nowMilliseconds: nowMilliseconds)
        producers.note(placed, nowMilliseconds: nowMilliseconds)
        moveLastStableOffset()
        saveCheckpointIfDue()
        return .stored(baseOffset: base)
    }

    /// Ends the transaction a producer has open here.
    func appendMarker(commit: Bool, producerId: Int64, epoch: Int16, nowMilliseconds: Int64) throws(StorageError) {
        let bytes = BatchBuilder.marker(
            commit: commit, offset: nextOffset, timestamp: nowMilliseconds, producerId: producerId, producerEpoch: epoch
        )
        guard let header = BatchHeader(bytes, at: 0) else { return }
        try store(bytes, 0..<bytes.count, header, nowMilliseconds: nowMilliseconds)
        producers.noteMarker(header, commit: commit, nowMilliseconds: nowMilliseconds)
        moveLastStableOffset()
        saveCheckpointIfDue()
    }

    private func store(_ bytes: [UInt8], _ range: Range<Int>, _ header: BatchHeader, nowMilliseconds: Int64)
        throws(StorageError)
    {
        if segments.count == 1 && active.isEmpty { try FileSystem.makeDirectory(directory) }
        let full = active.size + range.count > limits.segmentBytes
        let old = nowMilliseconds - active.createdMilliseconds > limits.segmentMilliseconds
        if !active.isEmpty && (full || old) { try roll(nowMilliseconds: nowMilliseconds) }
        try active.append(bytes, range, header, nowMilliseconds: nowMilliseconds)
        bytesSinceCheckpoint += range.count
    }

    /// Closes the active segment and begins a new one.
    func roll(nowMilliseconds: Int64) throws(StorageError) {
        guard !active.isEmpty else { return }
        try saveCheckpoint()
        let next = Segment(directory: directory, baseOffset: nextOffset, createdMilliseconds: nowMilliseconds)
        _ = try next.open()
        segments.append(next)
    }

    private func moveLastStableOffset() { lastStableOffset = producers.firstOpenOffset ?? nextOffset }

    // MARK: Reading

    /// Log bytes from `offset` on and before `limit`, at most `maximumBytes` unless the first batch alone is larger and
    /// `firstWhole` asks for it anyway; and an offset that none of them reaches.
    func read(
        from offset: Int64, limit: Int64, maximumBytes: Int, firstWhole: Bool, nowMilliseconds: Int64
    ) throws(StorageError) -> (slice: FileSlice, bound: Int64)? {
        guard offset < limit else { return nil }
        for index in segments.indices where segments[index].nextOffset > offset {
            let segment = segments[index]
            guard let first = try segment.find(offset, nowMilliseconds: nowMilliseconds), first.baseOffset < limit
            else {
                return nil
            }
            var end = segment.size
            if limit < segment.nextOffset, let stop = try segment.find(limit, nowMilliseconds: nowMilliseconds) {
                end = stop.position
            }
            let allowed = firstWhole ? max(maximumBytes, first.size) : maximumBytes
            guard first.size <= allowed, end > first.position else { return nil }
            var length = end - first.position
            if length > allowed {
                length = max(first.size, segment.wholeBatches(from: first.position, length: allowed))
            }
            return (
                FileSlice(file: try segment.open(), offset: first.position, length: length),
                min(limit, segment.offsetBound(at: first.position + length))
            )
        }
        return nil
    }

    /// Bytes a reader at `offset` could get. Nil when it reads a segment behind the one that ends at `limit`: that one
    /// does not grow, so there is nothing to wait for.
    func available(from offset: Int64, limit: Int64) -> Int? {
        guard offset < limit else { return 0 }
        guard let segment = segments.last(where: { $0.baseOffset <= limit }), offset >= segment.baseOffset else {
            return nil
        }
        func position(_ offset: Int64) -> Int? {
            (try? segment.find(offset, nowMilliseconds: segment.lastUseMilliseconds))?.position
        }
        guard let start = position(offset) else { return 1 }
        return max(1, (position(limit) ?? segment.size) - start)
    }

    /// The first offset at or after a time, with its time.
    func find(timestamp: Int64) throws(StorageError) -> (offset: Int64, timestamp: Int64)? {
        for segment in segments where segment.maxTimestamp >= timestamp {
            guard let place = try segment.find(timestamp: timestamp) else { continue }
            let bytes = try segment.open().read(at: place.position, count: place.size)
            guard let header = BatchHeader(bytes, at: 0) else { return nil }
            var found: (offset: Int64, timestamp: Int64)?
            if header.compression == 0 {
                _ = try? RecordBatch.forEachRecord(header, bytes, 0..<bytes.count) { record throws(MalformedRequest) in
                    if found == nil && record.timestamp >= timestamp { found = (record.offset, record.timestamp) }
                }
            }
            // Inside a compressed batch the broker cannot look: the reader starts a little early and filters.
            return found ?? (place.baseOffset, place.maxTimestamp)
        }
        return nil
    }

    /// The first record with the largest timestamp.
    func findMaxTimestamp() throws(StorageError) -> (offset: Int64, timestamp: Int64)? {
        let largest = segments.map(\.maxTimestamp).max() ?? -1
        return largest < 0 ? nil : try find(timestamp: largest)
    }

    // MARK: Start, stop and upkeep

    private func recover(nowMilliseconds: Int64) throws(StorageError) {
        try SegmentSwap.recover(directory)
        let bases = FileSystem.list(directory).compactMap { name in
            name.hasSuffix(".log") ? Int64(name.dropLast(4)) : nil
        }.sorted()
        guard !bases.isEmpty else { return }
        let found = bases.map { Segment(directory: directory, baseOffset: $0, createdMilliseconds: nowMilliseconds) }
        for (number, segment) in found.enumerated() {
            let checkpoint = Checkpoint.load(directory: directory, baseOffset: segment.baseOffset)
            if let checkpoint, checkpoint.summary.size <= (try segment.open().size()) {
                segment.restore(checkpoint.summary)
                producers = checkpoint.producers
                cleanedUpTo = max(cleanedUpTo, checkpoint.cleanedUpTo)
            }
            let known = segment.size
            try segment.recover(from: known) { header, bytes, start in
                self.replay(header, bytes, start, nowMilliseconds: nowMilliseconds)
            }
            bytesSinceCheckpoint = segment.size - known
            if number < found.count - 1 { segment.closeFile() }
        }
        segments = found
        // What was read once after a kill need not be read again after the next.
        saveCheckpointIfDue()
        producers.forgetAborted(before: max(logStartOffset, cleanedUpTo))
    }

    private func replay(_ header: BatchHeader, _ bytes: [UInt8], _ start: Int, nowMilliseconds: Int64) {
        if header.isControl {
            if let commit = BatchBuilder.markerCommits(header, bytes, at: start) {
                producers.noteMarker(header, commit: commit, nowMilliseconds: nowMilliseconds)
            }
        } else {
            producers.note(header, nowMilliseconds: nowMilliseconds)
        }
    }

    /// Writes down what a start would otherwise have to read the active segment for.
    func saveCheckpoint() throws(StorageError) {
        guard !active.isEmpty else { return }
        try writeCheckpoint()
    }

    private func writeCheckpoint() throws(StorageError) {
        bytesSinceCheckpoint = 0
        try Checkpoint(summary: active.summary, producers: producers).save(
            directory: directory, baseOffset: active.baseOffset)
    }

    /// Only after the producers have noted all that is stored: a start reads nothing of what a checkpoint covers. That it
    /// cannot be written is no error of the batch before it, which is stored and must not be sent again.
    private func saveCheckpointIfDue() {
        guard bytesSinceCheckpoint >= limits.checkpointBytes else { return }
        do { try saveCheckpoint() } catch {
            Log.warning("checkpoint not written; the next start reads more", ["error": LogValue(error.description)])
        }
    }

    func closeFiles(idleSince milliseconds: Int64) {
        for segment in segments.dropLast() where segment.lastUseMilliseconds < milliseconds { segment.closeFile() }
    }

    func expireProducers(before milliseconds: Int64) { producers.expire(before: milliseconds) }

    /// Removes the oldest segments; the active one is never among them.
    func dropSegments(_ count: Int) {
        // The producers are written down beside the segments that go, and the active one may not have been their last.
        do { try writeCheckpoint() } catch {
            Log.warning("checkpoint not written; producers are forgotten", ["error": LogValue(error.description)])
        }
        for segment in segments.prefix(count) { Checkpoint.removeSegment(segment, directory: directory) }
        segments.removeFirst(count)
        producers.forgetAborted(before: logStartOffset)
    }

    /// Puts the output of compaction in the place of the segments it was made from.
    func replace(_ rewrite: SegmentRewrite, cleanedUpTo end: Int64) throws(StorageError) {
        guard let first = rewrite.sources.first, let last = rewrite.sources.last,
            let start = segments.firstIndex(where: { $0 === first }),
            let stop = segments.firstIndex(where: { $0 === last }), stop < segments.count - 1
        else { return }
        // A start that reads this checkpoint goes on with the segments after it, so it holds the producers as of here.
        let then = Checkpoint.load(directory: directory, baseOffset: last.baseOffset)?.producers ?? ProducerState()
        try rewrite.commit(producers: then, cleanedUpTo: end)
        for segment in rewrite.sources { segment.closeFile() }
        segments.replaceSubrange(start...stop, with: [rewrite.segment])
        cleanedUpTo = max(cleanedUpTo, end)
        producers.forgetAborted(before: cleanedUpTo)
    }

    func remove() { FileSystem.removeTree(directory) }
}
