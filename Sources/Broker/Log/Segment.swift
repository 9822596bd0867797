// One file of a partition's log with a sparse index over it.

final class Segment {
    /// Where a batch begins and the largest timestamp up to there.
    struct IndexEntry {
        let offset: Int64
        let position: Int
        let maxTimestampBefore: Int64
    }
    /// A batch as the walk over a segment meets it.
    struct Place {
        let baseOffset: Int64
        let lastOffset: Int64
        let position: Int
        let size: Int
        let maxTimestamp: Int64
    }
    /// One index entry for so many bytes of log: small in memory, one read to find any offset.
    static let indexInterval = 8 * 1024
    private static let recentCapacity = 64

    let baseOffset: Int64
    let path: String
    private(set) var size = 0
    /// The offset after the last batch.
    private(set) var nextOffset: Int64
    private(set) var maxTimestamp: Int64 = -1
    /// When its first batch arrived, by this machine's clock.
    private(set) var createdMilliseconds: Int64
    private(set) var index: [IndexEntry] = []
    private var recent: [Place] = []
    private var file: LogFile?
    private(set) var lastUseMilliseconds: Int64 = 0

    init(directory: String, baseOffset: Int64, createdMilliseconds: Int64) {
        self.baseOffset = baseOffset
        self.createdMilliseconds = createdMilliseconds
        nextOffset = baseOffset
        path = directory + "/" + Segment.name(baseOffset)
    }

    static func name(_ baseOffset: Int64) -> String {
        let digits = String(baseOffset)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits + ".log"
    }

    var isEmpty: Bool { size == 0 }

    /// Files are opened when first needed: a topic nobody writes to costs no descriptor.
    func open() throws(StorageError) -> LogFile {
        if let file { return file }
        let opened = try LogFile(path: path, create: true)
        file = opened
        return opened
    }

    func closeFile() { file = nil }

    /// Appends one batch that has its final offsets.
    func append(_ bytes: [UInt8], _ range: Range<Int>, _ header: BatchHeader, nowMilliseconds: Int64)
        throws(StorageError)
    {
        try open().write(bytes, range, at: size)
        if isEmpty { createdMilliseconds = nowMilliseconds }
        note(header, at: size)
    }

    /// Takes a batch that is in the file into the index.
    func note(_ header: BatchHeader, at position: Int) {
        if position >= (index.last?.position ?? -Segment.indexInterval) + Segment.indexInterval {
            index.append(IndexEntry(offset: header.baseOffset, position: position, maxTimestampBefore: maxTimestamp))
        }
        if recent.count == Segment.recentCapacity { recent.removeFirst(Segment.recentCapacity / 2) }
        recent.append(
            Place(
                baseOffset: header.baseOffset, lastOffset: header.lastOffset, position: position,
                size: header.totalSize,
                maxTimestamp: header.maxTimestamp))
        maxTimestamp = max(maxTimestamp, header.maxTimestamp)
        size = position + header.totalSize
        nextOffset = header.lastOffset + 1
    }

    /// Where the first batch begins that reaches `offset`; nil when the segment ends before it.
    func find(_ offset: Int64, nowMilliseconds: Int64) throws(StorageError) -> Place? {
        lastUseMilliseconds = nowMilliseconds
        guard offset < nextOffset else { return nil }
        if let oldest = recent.first, offset >= oldest.baseOffset {
            return recent.last { $0.baseOffset <= offset && offset <= $0.lastOffset }
                ?? recent.first { $0.lastOffset >= offset }
        }
        var found: Place?
        try walk(from: entry(before: offset)) { place in
            if place.lastOffset >= offset { found = place }
            return found == nil
        }
        return found
    }

    /// The first batch with a record at or after a time; nil when there is none.
    func find(timestamp: Int64) throws(StorageError) -> Place? {
        guard maxTimestamp >= timestamp else { return nil }
        // The last entry with only older batches before it: the batch sought comes after that.
        let start = index.last { $0.maxTimestampBefore < timestamp }?.position ?? 0
        var found: Place?
        try walk(from: start) { place in
            if place.maxTimestamp >= timestamp { found = place }
            return found == nil
        }
        return found
    }

    private func entry(before offset: Int64) -> Int {
        let after = firstEntry { $0.offset > offset }
        return after == 0 ? 0 : index[after - 1].position
    }

    /// The number of the first index entry that is far enough; they all are from there on.
    private func firstEntry(_ isFarEnough: (IndexEntry) -> Bool) -> Int {
        var low = 0
        var high = index.count
        while low < high {
            let middle = (low + high) / 2
            if isFarEnough(index[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// An offset that no batch before this place in the file reaches; the lowest the index knows.
    func offsetBound(at position: Int) -> Int64 {
        let after = firstEntry { $0.position >= position }
        return after < index.count ? index[after].offset : nextOffset
    }

    /// How much of a stretch ends with a whole batch, as far as the index knows: a client throws the beginning of a
    /// batch away and asks for it again. No index entry in it means that it is short, or one batch.
    func wholeBatches(from position: Int, length: Int) -> Int {
        let end = position + length
        let after = firstEntry { $0.position > end }
        guard after > 0, index[after - 1].position > position else { return length }
        return index[after - 1].position - position
    }

    /// Visits batches in order until the body says stop.
    private func walk(from start: Int, _ visit: (Place) -> Bool) throws(StorageError) {
        let file = try open()
        var position = start
        var block: [UInt8] = []
        var blockStart = start
        while position < size {
            if position + BatchHeader.size > blockStart + block.count || position < blockStart {
                block = try file.read(at: position, count: Segment.indexInterval)
                blockStart = position
            }
            guard let header = BatchHeader(block, at: position - blockStart) else { return }
            let place = Place(
                baseOffset: header.baseOffset, lastOffset: header.lastOffset, position: position,
                size: header.totalSize,
                maxTimestamp: header.maxTimestamp)
            guard visit(place) else { return }
            position += header.totalSize
        }
    }

    /// Reads the file from `start` on, batch by batch with checksums, and cuts it after the last good one.
    func recover(from start: Int, _ visit: (BatchHeader, [UInt8], Int) -> Void) throws(StorageError) {
        let file = try open()
        let end = try file.size()
        var position = start
        var block: [UInt8] = []
        var blockStart = start
        let blockSize = 1024 * 1024
        while position < end {
            var header = BatchHeader(block, at: position - blockStart)
            if header.map({ position + $0.totalSize > blockStart + block.count }) ?? true {
                let wanted = max(blockSize, header?.totalSize ?? 0)
                block = try file.read(at: position, count: min(wanted, end - position))
                blockStart = position
                header = BatchHeader(block, at: 0)
                if let size = header?.totalSize, size > block.count, size <= end - position {
                    block = try file.read(at: position, count: size)
                }
            }
            guard let batch = header, batch.baseOffset >= nextOffset, batch.isIntact(block, at: position - blockStart)
            else {
                break
            }
            note(batch, at: position)
            visit(batch, block, position - blockStart)
            position += batch.totalSize
        }
        if position < end { try file.truncate(to: position) }
        size = position
    }

    /// Takes over what a checkpoint says about the first part of the file.
    func restore(_ summary: SegmentSummary) {
        size = summary.size
        nextOffset = summary.nextOffset
        maxTimestamp = summary.maxTimestamp
        createdMilliseconds = summary.createdMilliseconds
        index = summary.index
    }

    var summary: SegmentSummary {
        SegmentSummary(
            size: size, nextOffset: nextOffset, maxTimestamp: maxTimestamp, createdMilliseconds: createdMilliseconds,
            index: index)
    }
}

/// What a checkpoint keeps of a segment.
struct SegmentSummary {
    let size: Int
    let nextOffset: Int64
    let maxTimestamp: Int64
    let createdMilliseconds: Int64
    let index: [Segment.IndexEntry]
}
