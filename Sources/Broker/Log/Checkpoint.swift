// A small file beside a segment: its index and the producers as they were after its last noted byte, so that a start
import Platform

// reads only what was appended since.

struct Checkpoint {
    private static let version: Int8 = 2

    let summary: SegmentSummary
    let producers: ProducerState
    /// Compaction has been here: offsets below hold no aborted records and no key twice.
    var cleanedUpTo: Int64 = 0

    static func path(_ directory: String, _ baseOffset: Int64) -> String {
        directory + "/" + Segment.name(baseOffset).dropLast(4) + ".state"
    }

    static func removeSegment(_ segment: Segment, directory: String) {
        segment.closeFile()
        FileSystem.remove(segment.path)
        FileSystem.remove(path(directory, segment.baseOffset))
    }

    func save(directory: String, baseOffset: Int64) throws(StorageError) {
        try save(to: Checkpoint.path(directory, baseOffset))
    }

    func save(to path: String) throws(StorageError) {
        var writer = ByteWriter(capacity: 64 + summary.index.count * 24)
        writer.int32(0)
        writer.int8(Checkpoint.version)
        writer.int64(Int64(summary.size))
        writer.int64(summary.nextOffset)
        writer.int64(summary.maxTimestamp)
        writer.int64(summary.createdMilliseconds)
        writer.int64(cleanedUpTo)
        writer.array(summary.index) { writer, entry in
            writer.int64(entry.offset)
            writer.int64(Int64(entry.position))
            writer.int64(entry.maxTimestampBefore)
        }
        writer.array(producers.entries) { writer, item in
            writer.int64(item.key)
            writer.int16(item.value.epoch)
            writer.int64(item.value.lastSeenMilliseconds)
            writer.array(item.value.batches) { writer, batch in
                writer.int32(batch.firstSequence)
                writer.int32(batch.lastSequence)
                writer.int64(batch.baseOffset)
                writer.int64(batch.timestamp)
            }
        }
        writer.array(producers.open) { writer, item in
            writer.int64(item.key)
            writer.int64(item.value)
        }
        writer.array(producers.aborted) { writer, item in
            writer.int64(item.producerId)
            writer.int64(item.firstOffset)
            writer.int64(item.lastOffset)
        }
        let crc = Crc32c.of(writer.bytes, 4..<writer.bytes.count)
        writer.patch32(at: 0, Int32(bitPattern: crc))
        try FileSystem.replace(path, with: writer.bytes)
    }

    /// Nil when there is none or it is damaged; the segment is then read as a whole.
    static func load(directory: String, baseOffset: Int64) -> Checkpoint? {
        guard let bytes = FileSystem.read(path(directory, baseOffset)), bytes.count > 5 else { return nil }
        guard UInt32(truncatingIfNeeded: bigEndian(bytes, 0, 4)) == Crc32c.of(bytes, 4..<bytes.count) else {
            return nil
        }
        return try? decode(bytes)
    }

    private static func decode(_ bytes: [UInt8]) throws(MalformedRequest) -> Checkpoint? {
        var reader = ByteReader(bytes, from: 4)
        guard try reader.int8() == version else { return nil }
        let size = Int(try reader.int64())
        let nextOffset = try reader.int64()
        let maxTimestamp = try reader.int64()
        let created = try reader.int64()
        let cleanedUpTo = try reader.int64()
        let index = try reader.array { reader throws(MalformedRequest) in
            Segment.IndexEntry(
                offset: try reader.int64(), position: Int(try reader.int64()), maxTimestampBefore: try reader.int64())
        }
        var entries: [Int64: ProducerEntry] = [:]
        for _ in 0..<(try reader.nullableCount() ?? 0) {
            let id = try reader.int64()
            var entry = ProducerEntry(epoch: try reader.int16(), lastSeenMilliseconds: try reader.int64())
            entry.batches = try reader.array { reader throws(MalformedRequest) in
                ProducerEntry.Batch(
                    firstSequence: try reader.int32(), lastSequence: try reader.int32(), baseOffset: try reader.int64(),
                    timestamp: try reader.int64())
            }
            entries[id] = entry
        }
        var open: [Int64: Int64] = [:]
        for _ in 0..<(try reader.nullableCount() ?? 0) {
            let id = try reader.int64()
            open[id] = try reader.int64()
        }
        let aborted = try reader.array { reader throws(MalformedRequest) in
            AbortedTransaction(
                producerId: try reader.int64(), firstOffset: try reader.int64(), lastOffset: try reader.int64())
        }
        return Checkpoint(
            summary: SegmentSummary(
                size: size, nextOffset: nextOffset, maxTimestamp: maxTimestamp, createdMilliseconds: created,
                index: index),
            producers: ProducerState(entries: entries, open: open, aborted: aborted), cleanedUpTo: cleanedUpTo)
    }
}
