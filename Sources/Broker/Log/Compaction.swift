// Compaction of one partition: of the records with one key only the last stays. It works in small steps between
// requests, on segments that are closed and decided, and swaps its output in at the end as one atomic rename.

/// A key, short: two independent hashes, so that different keys do not meet in practice (128 bits).
private struct KeyHash: Hashable {
    let one: UInt64
    let two: UInt64

    init(_ bytes: ArraySlice<UInt8>) {
        var first: UInt64 = 0xcbf2_9ce4_8422_2325
        var second: UInt64 = 0x9e37_79b9_7f4a_7c15
        for byte in bytes {
            first = (first ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
            second = (second &+ UInt64(byte)) &* 0xbf58_476d_1ce4_e5b9
            second ^= second >> 29
        }
        one = first
        two = second
    }
}

final class Compaction {
    enum Progress {
        case more
        case done
    }
    private enum Phase {
        case mapping
        case rewriting
    }
    /// Keys remembered in one run; what does not fit waits for the next run.
    static let maximumKeys = 300_000
    /// Far beyond everybody's lifetime, and far from where times overflow.
    private static let longestDeleteRetention: Int64 = 1 << 50
    private static let stepBytes = 256 * 1024
    private static let outputBatchBytes = 32 * 1024

    let log: PartitionLog
    private let wallMilliseconds: Int64
    /// Until when the tombstones stay that this run is the first to meet. It takes what they delete, and whoever has read
    /// that must still hear of its end: so their time counts from here, as with Kafka, and not from when they were written.
    private let deleteHorizon: Int64
    private let end: Int64
    private var sources: [Segment]
    private var phase = Phase.mapping
    private var number = 0
    private var position = 0
    private var latest: [KeyHash: Int64] = [:]
    /// Records from here on are newer than the map and stay.
    private var mappedEnd: Int64
    private var output: SegmentRewrite?
    /// A compressed batch was kept. It may hold older records of any key, so from there on every tombstone stays: without
    /// it they would come back.
    private var hasKeptCompressed = false

    /// Nil when there is nothing worth it.
    init?(log: PartitionLog, config: TopicConfig, wallMilliseconds: Int64) {
        let closed = log.segments.dropLast().prefix { $0.nextOffset <= log.lastStableOffset }
        let total = closed.reduce(0) { $0 + $1.size }
        let dirty = closed.filter { $0.nextOffset > log.cleanedUpTo }.reduce(0) { $0 + $1.size }
        guard dirty > 0, Double(dirty) >= Double(total) * config.minimumDirtyRatio, let last = closed.last else {
            return nil
        }
        self.log = log
        sources = Array(closed)
        end = last.nextOffset
        mappedEnd = end
        self.wallMilliseconds = wallMilliseconds
        deleteHorizon = wallMilliseconds + min(config.deleteRetentionMilliseconds, Compaction.longestDeleteRetention)
        number = closed.firstIndex { $0.nextOffset > log.cleanedUpTo } ?? 0
    }

    /// Does a little of the work.
    func step() throws(StorageError) -> Progress {
        guard number < sources.count else { return try finishPhase() }
        let segment = sources[number]
        guard position < segment.size else {
            if phase == .rewriting { try finishSource() }
            number += 1
            position = 0
            return .more
        }
        var block = try segment.open().read(at: position, count: Compaction.stepBytes)
        if let first = BatchHeader(block, at: 0), first.totalSize > block.count {
            block = try segment.open().read(at: position, count: first.totalSize)
        }
        var start = 0
        while let header = BatchHeader(block, at: start), header.totalSize <= block.count - start {
            switch phase {
            case .mapping: map(header, block, start)
            case .rewriting: try rewrite(header, block, start)
            }
            start += header.totalSize
        }
        // A file that ends inside a batch was damaged from outside; what is whole was seen.
        position = start == 0 ? segment.size : position + start
        return .more
    }

    private func finishPhase() throws(StorageError) -> Progress {
        guard phase == .mapping else { return .done }
        phase = .rewriting
        number = 0
        position = 0
        sources = sources.filter { $0.baseOffset < mappedEnd }
        return sources.isEmpty ? .done : .more
    }

    private func map(_ header: BatchHeader, _ block: [UInt8], _ start: Int) {
        guard header.baseOffset < mappedEnd, !header.isControl, header.compression == 0, !isAborted(header) else {
            return
        }
        if latest.count >= Compaction.maximumKeys {
            mappedEnd = header.baseOffset
            return
        }
        _ = try? RecordBatch.forEachRecord(header, block, start..<start + header.totalSize) {
            record throws(MalformedRequest) in
            if let key = record.key { latest[KeyHash(block[key])] = record.offset }
        }
    }

    private func isAborted(_ header: BatchHeader) -> Bool {
        guard header.isTransactional else { return false }
        return log.producers.aborted(in: header.baseOffset..<header.baseOffset + 1).contains {
            $0.producerId == header.producerId
        }
    }

    private func rewrite(_ header: BatchHeader, _ block: [UInt8], _ start: Int) throws(StorageError) {
        // Everything here is decided: aborted records go, and with them the need for any marker.
        let output = try ensureOutput()
        guard header.baseOffset < mappedEnd else {
            return try output.append(Array(block[start..<start + header.totalSize]))
        }
        guard !header.isControl, !isAborted(header) else { return }
        guard header.compression == 0 else {
            // The broker cannot look inside; the batch stays whole, as a plain one.
            hasKeptCompressed = true
            return try output.append(BatchBuilder.withoutProducer(Array(block[start..<start + header.totalSize])))
        }
        var kept: [RecordView] = []
        _ = try? RecordBatch.forEachRecord(header, block, start..<start + header.totalSize) {
            record throws(MalformedRequest) in
            if keeps(record, header, block) { kept.append(record) }
        }
        for record in kept {
            let isTombstone = record.key != nil && record.value == nil
            try output.append(
                record, block, deleteHorizon: isTombstone ? header.deleteHorizon ?? deleteHorizon : nil)
        }
    }

    private func keeps(_ record: RecordView, _ header: BatchHeader, _ block: [UInt8]) -> Bool {
        guard let key = record.key else { return true }
        if let newest = latest[KeyHash(block[key])], newest > record.offset { return false }
        guard record.value == nil, !hasKeptCompressed, let horizon = header.deleteHorizon else { return true }
        return horizon > wallMilliseconds
    }

    private func ensureOutput() throws(StorageError) -> SegmentRewrite {
        if let output { return output }
        let fresh = try SegmentRewrite(
            directory: log.directory, baseOffset: sources[number].baseOffset,
            createdMilliseconds: sources[number].createdMilliseconds, batchBytes: Compaction.outputBatchBytes)
        output = fresh
        return fresh
    }

    /// After a source is read: small outputs go on into the next source, full ones are swapped in.
    private func finishSource() throws(StorageError) {
        let output = try ensureOutput()
        output.sources.append(sources[number])
        let next = number + 1 < sources.count ? sources[number + 1] : nil
        if let next, output.size + next.size <= log.limits.segmentBytes { return }
        self.output = nil
        try log.replace(output, cleanedUpTo: min(mappedEnd, sources[number].nextOffset))
    }
}
