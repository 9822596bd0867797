// A new segment that is to take the place of some old ones.
import Platform

final class SegmentRewrite {
    let segment: Segment
    /// The old segments whose records are all in here, or gone.
    var sources: [Segment] = []
    private let directory: String
    private let batchBytes: Int
    private let file: LogFile
    private var builder: BatchBuilder?
    private var written = 0

    var size: Int { written + (builder?.size ?? 0) }

    init(directory: String, baseOffset: Int64, createdMilliseconds: Int64, batchBytes: Int) throws(StorageError) {
        self.directory = directory
        self.batchBytes = batchBytes
        segment = Segment(directory: directory, baseOffset: baseOffset, createdMilliseconds: createdMilliseconds)
        let path = segment.path + ".cleaned"
        FileSystem.remove(path)
        file = try LogFile(path: path, create: true)
    }

    /// A tombstone comes with the time it may go, which is that of its whole batch; other records go into any.
    func append(_ record: RecordView, _ block: [UInt8], deleteHorizon: Int64?) throws(StorageError) {
        if let deleteHorizon, let builder, builder.deleteHorizon != deleteHorizon { try flush() }
        var builder =
            self.builder
            ?? BatchBuilder(
                baseOffset: record.offset, firstTimestamp: record.timestamp, deleteHorizon: deleteHorizon)
        self.builder = nil
        builder.add(
            offset: record.offset, timestamp: record.timestamp, key: record.key.map { block[$0] },
            value: record.value.map { block[$0] }, headers: block[record.headers])
        let full = builder.size >= batchBytes
        self.builder = builder
        if full { try flush() }
    }

    /// A batch that is kept as a whole.
    func append(_ batch: [UInt8]) throws(StorageError) {
        try flush()
        try write(batch)
    }

    private func flush() throws(StorageError) {
        guard let full = builder else { return }
        builder = nil
        try write(full.finish())
    }

    private func write(_ batch: [UInt8]) throws(StorageError) {
        guard let header = BatchHeader(batch, at: 0) else { return }
        try file.write(batch, 0..<batch.count, at: written)
        segment.note(header, at: written)
        written += batch.count
    }

    /// Ends the file and puts it in the place of its sources; interrupted anywhere, the next start finishes it.
    func commit(producers: ProducerState, cleanedUpTo: Int64) throws(StorageError) {
        try flush()
        guard let last = sources.last else { return }
        let swap = SegmentSwap(directory: directory, baseOffset: segment.baseOffset, end: last.nextOffset)
        try Checkpoint(summary: segment.summary, producers: producers, cleanedUpTo: cleanedUpTo).save(
            to: swap.statePath)
        try FileSystem.rename(segment.path + ".cleaned", to: swap.path)
        try swap.finish()
    }
}

/// A finished rewrite by the names of its files: from its rename on there is no way back, only forward.
struct SegmentSwap {
    let directory: String
    let baseOffset: Int64
    /// The segments from `baseOffset` up to here are replaced.
    let end: Int64

    var path: String { "\(directory)/\(baseOffset)-\(end).swap" }
    var statePath: String { "\(directory)/\(baseOffset)-\(end).swapstate" }

    func finish() throws(StorageError) {
        for name in FileSystem.list(directory) where name.hasSuffix(".log") {
            guard let base = Int64(name.dropLast(4)), base >= baseOffset, base < end else { continue }
            FileSystem.remove(directory + "/" + name)
            FileSystem.remove(Checkpoint.path(directory, base))
        }
        if FileSystem.exists(statePath) { try FileSystem.rename(statePath, to: Checkpoint.path(directory, baseOffset)) }
        try FileSystem.rename(path, to: directory + "/" + Segment.name(baseOffset))
    }

    /// Finishes what a crash interrupted and removes what it had only begun.
    static func recover(_ directory: String) throws(StorageError) {
        for name in FileSystem.list(directory) {
            if name.hasSuffix(".cleaned") || name.hasSuffix(".new") { FileSystem.remove(directory + "/" + name) }
            guard name.hasSuffix(".swap") else { continue }
            let numbers = name.dropLast(5).split(separator: "-").compactMap { Int64($0) }
            guard numbers.count == 2 else { continue }
            try SegmentSwap(directory: directory, baseOffset: numbers[0], end: numbers[1]).finish()
        }
        for name in FileSystem.list(directory) where name.hasSuffix(".swapstate") {
            FileSystem.remove(directory + "/" + name)
        }
    }
}
