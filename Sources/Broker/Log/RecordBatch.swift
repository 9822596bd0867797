// The header of a record batch (format v2) and the checks a batch must pass before it is stored.

struct BatchHeader {
    static let size = 61
    /// Enough of the header to walk a log: offset, length and the last offset.
    static let lengthPrefix = 12
    static let leaderEpochOffset = 12
    static let deleteHorizonBit: Int16 = 0x40
    private static let crcOffset = 17
    private static let checkedFrom = 21

    let baseOffset: Int64
    /// The whole batch in bytes, header included.
    let totalSize: Int
    let magic: Int8
    let crc: UInt32
    let attributes: Int16
    let lastOffsetDelta: Int32
    let baseTimestamp: Int64
    let maxTimestamp: Int64
    let producerId: Int64
    let producerEpoch: Int16
    let baseSequence: Int32
    let recordCount: Int32

    var lastOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) }
    var isTransactional: Bool { attributes & 0x10 != 0 }
    var isControl: Bool { attributes & 0x20 != 0 }
    /// What compaction wrote down when it first met the tombstones in here: from then on they may go.
    var deleteHorizon: Int64? { attributes & BatchHeader.deleteHorizonBit == 0 ? nil : baseTimestamp }
    var compression: Int16 { attributes & 0x07 }
    var lastSequence: Int32 { BatchHeader.sequence(baseSequence, plus: lastOffsetDelta) }

    /// Sequence numbers wrap from the largest to zero.
    static func sequence(_ base: Int32, plus delta: Int32) -> Int32 {
        let sum = Int64(base) + Int64(delta)
        return Int32(truncatingIfNeeded: sum > Int64(Int32.max) ? sum - Int64(Int32.max) - 1 : sum)
    }

    /// Nil when fewer than a header's bytes are there or the length makes no sense.
    init?(_ bytes: [UInt8], at start: Int) {
        guard start >= 0, bytes.count - start >= BatchHeader.size else { return nil }
        baseOffset = Int64(bitPattern: bigEndian(bytes, start, 8))
        let length = Int32(truncatingIfNeeded: bigEndian(bytes, start + 8, 4))
        guard length >= Int32(BatchHeader.size - BatchHeader.lengthPrefix) else { return nil }
        totalSize = Int(length) + BatchHeader.lengthPrefix
        magic = Int8(bitPattern: bytes[start + 16])
        crc = UInt32(truncatingIfNeeded: bigEndian(bytes, start + BatchHeader.crcOffset, 4))
        attributes = Int16(truncatingIfNeeded: bigEndian(bytes, start + 21, 2))
        lastOffsetDelta = Int32(truncatingIfNeeded: bigEndian(bytes, start + 23, 4))
        baseTimestamp = Int64(bitPattern: bigEndian(bytes, start + 27, 8))
        maxTimestamp = Int64(bitPattern: bigEndian(bytes, start + 35, 8))
        producerId = Int64(bitPattern: bigEndian(bytes, start + 43, 8))
        producerEpoch = Int16(truncatingIfNeeded: bigEndian(bytes, start + 51, 2))
        baseSequence = Int32(truncatingIfNeeded: bigEndian(bytes, start + 53, 4))
        recordCount = Int32(truncatingIfNeeded: bigEndian(bytes, start + 57, 4))
    }

    /// Whether the batch at `start` is whole, of format v2 and has the checksum it claims.
    func isIntact(_ bytes: [UInt8], at start: Int) -> Bool {
        guard magic == 2, lastOffsetDelta >= 0, totalSize <= bytes.count - start else { return false }
        return Crc32c.of(bytes, start + BatchHeader.checkedFrom..<start + totalSize) == crc
    }
}

func bigEndian(_ bytes: [UInt8], _ start: Int, _ count: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in start..<start + count { value = value << 8 | UInt64(bytes[index]) }
    return value
}

/// One record of an uncompressed batch; key, value and headers stay where they are.
struct RecordView {
    let offset: Int64
    let timestamp: Int64
    let key: Range<Int>?
    let value: Range<Int>?
    /// The headers as they are on the wire, their count included.
    let headers: Range<Int>
}

enum RecordBatch {
    /// The batches a client sends for one partition must be exactly one, whole and honest about itself.
    static func check(
        _ bytes: [UInt8], _ range: Range<Int>, maximumSize: Int, keyRequired: Bool
    ) throws(RejectedBatch) -> BatchHeader {
        guard range.count >= BatchHeader.size, let header = BatchHeader(bytes, at: range.lowerBound) else {
            throw RejectedBatch(.invalidRecord, "no whole record batch")
        }
        guard (0...2).contains(header.magic) else { throw RejectedBatch(.corruptMessage, "unknown record format") }
        guard header.magic == 2 else { throw RejectedBatch(.invalidRecord, "only record format v2 is stored") }
        guard header.totalSize == range.count else {
            throw RejectedBatch(.invalidRecord, "exactly one batch a partition")
        }
        guard header.baseOffset == 0 else { throw RejectedBatch(.invalidRecord, "offsets of a client begin at zero") }
        guard range.count <= maximumSize else { throw RejectedBatch(.messageTooLarge, "larger than max.message.bytes") }
        guard !header.isControl else { throw RejectedBatch(.invalidRecord, "clients do not write control batches") }
        guard header.recordCount > 0, header.lastOffsetDelta == header.recordCount - 1 else {
            throw RejectedBatch(.invalidRecord, "offsets and record count disagree")
        }
        guard header.isIntact(bytes, at: range.lowerBound) else {
            throw RejectedBatch(.corruptMessage, "wrong checksum")
        }
        if header.producerId >= 0 && (header.baseSequence < 0 || header.producerEpoch < 0) {
            throw RejectedBatch(.invalidRecord, "a producer id without epoch or sequence")
        }
        if header.isTransactional && header.producerId < 0 {
            throw RejectedBatch(.invalidRecord, "a transaction without a producer id")
        }
        if header.compression == 0 {
            try checkRecords(header, bytes, range, keyRequired: keyRequired)
        } else if header.compression > 4 {
            throw RejectedBatch(.unknownServerError, "unknown compression")
        }
        return header
    }

    private static func checkRecords(
        _ header: BatchHeader, _ bytes: [UInt8], _ range: Range<Int>, keyRequired: Bool
    ) throws(RejectedBatch) {
        var keyMissing = false
        var expected = header.baseOffset
        do throws(MalformedRequest) {
            let consumed = try forEachRecord(header, bytes, range) { record throws(MalformedRequest) in
                if record.offset != expected { throw MalformedRequest("offset deltas do not count up") }
                expected = expected &+ 1
                if record.key == nil { keyMissing = true }
                try checkHeaders(bytes, record.headers)
            }
            guard consumed == range.upperBound else { throw MalformedRequest("bytes after the last record") }
        } catch {
            throw RejectedBatch(.invalidRecord, error.description)
        }
        if keyRequired && keyMissing { throw RejectedBatch(.invalidRecord, "a compacted topic needs keys") }
    }

    /// Consumers stumble over headers that are not what they say, long after their producer has gone.
    private static func checkHeaders(_ bytes: [UInt8], _ range: Range<Int>) throws(MalformedRequest) {
        // Nearly every record: no headers, one byte that says so.
        if range.count == 1 && bytes[range.lowerBound] == 0 { return }
        var reader = ByteReader(bytes, range: range)
        let count = try reader.varlong()
        guard count >= 0, count <= reader.remaining else { throw MalformedRequest("\(count) headers") }
        for _ in 0..<count {
            guard try field(&reader) != nil else { throw MalformedRequest("a header without a name") }
            _ = try field(&reader)
        }
        guard reader.remaining == 0 else { throw MalformedRequest("bytes after the last header") }
    }

    /// Walks the records of an uncompressed batch; returns where they end.
    @discardableResult
    static func forEachRecord(
        _ header: BatchHeader, _ bytes: [UInt8], _ range: Range<Int>,
        _ body: (RecordView) throws(MalformedRequest) -> Void
    ) throws(MalformedRequest) -> Int {
        guard header.recordCount >= 0, range.count >= BatchHeader.size else { throw MalformedRequest("no records") }
        var reader = ByteReader(bytes, range: range.lowerBound + BatchHeader.size..<range.upperBound)
        for _ in 0..<header.recordCount {
            let length = try reader.varlong()
            guard length >= 0, length <= reader.remaining else { throw MalformedRequest("record length \(length)") }
            let end = reader.position + Int(length)
            try reader.skip(1)
            let timestampDelta = try reader.varlong()
            let offsetDelta = try reader.varlong()
            let key = try field(&reader)
            let value = try field(&reader)
            guard reader.position <= end else { throw MalformedRequest("a field beyond its record") }
            let headers = reader.position..<end
            try reader.skip(end - reader.position)
            try body(
                RecordView(
                    offset: header.baseOffset &+ offsetDelta, timestamp: header.baseTimestamp &+ timestampDelta,
                    key: key,
                    value: value, headers: headers))
        }
        return reader.position
    }

    private static func field(_ reader: inout ByteReader) throws(MalformedRequest) -> Range<Int>? {
        let length = try reader.varlong()
        guard length >= 0 else { return nil }
        guard length <= reader.remaining else { throw MalformedRequest("field length \(length)") }
        let start = reader.position
        try reader.skip(Int(length))
        return start..<start + Int(length)
    }
}

/// A batch that is not stored, with the answer its producer gets.
struct RejectedBatch: Error {
    let code: ErrorCode
    let reason: String

    init(_ code: ErrorCode, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
