// Makes record batches of the broker's own: transaction markers and the output of compaction.

struct BatchBuilder {
    private var writer: ByteWriter
    private let baseOffset: Int64
    private let baseTimestamp: Int64
    private var maxTimestamp: Int64
    private var lastOffset: Int64
    private var count: Int32 = 0
    private(set) var size: Int
    /// From when on compaction may drop the tombstones in here; it takes the place of the base timestamp, as with Kafka.
    let deleteHorizon: Int64?

    init(baseOffset: Int64, firstTimestamp: Int64, deleteHorizon: Int64? = nil) {
        self.baseOffset = baseOffset
        self.deleteHorizon = deleteHorizon
        baseTimestamp = deleteHorizon ?? firstTimestamp
        maxTimestamp = firstTimestamp
        lastOffset = baseOffset
        writer = ByteWriter(capacity: 256)
        writer.raw([UInt8](repeating: 0, count: BatchHeader.size))
        size = BatchHeader.size
    }

    mutating func add(
        offset: Int64, timestamp: Int64, key: ArraySlice<UInt8>?, value: ArraySlice<UInt8>?, headers: ArraySlice<UInt8>
    ) {
        var record = ByteWriter(capacity: 32 + (key?.count ?? 0) + (value?.count ?? 0) + headers.count)
        record.int8(0)
        record.varlong(timestamp &- baseTimestamp)
        record.varlong(offset - baseOffset)
        for field in [key, value] {
            record.varlong(field.map { Int64($0.count) } ?? -1)
            if let field { record.raw(field) }
        }
        record.raw(headers)
        writer.varlong(Int64(record.bytes.count))
        writer.raw(record.bytes)
        lastOffset = offset
        maxTimestamp = max(maxTimestamp, timestamp)
        count += 1
        size = writer.bytes.count
    }

    /// The whole batch with its header and checksum.
    func finish(
        attributes: Int16 = 0, producerId: Int64 = -1, producerEpoch: Int16 = -1, baseSequence: Int32 = -1
    ) -> [UInt8] {
        var tail = ByteWriter(capacity: writer.bytes.count)
        tail.int64(baseOffset)
        tail.int32(Int32(writer.bytes.count - BatchHeader.lengthPrefix))
        tail.int32(0)
        tail.int8(2)
        tail.int32(0)
        tail.int16(deleteHorizon == nil ? attributes : attributes | BatchHeader.deleteHorizonBit)
        tail.int32(Int32(truncatingIfNeeded: lastOffset - baseOffset))
        tail.int64(baseTimestamp)
        tail.int64(maxTimestamp)
        tail.int64(producerId)
        tail.int16(producerEpoch)
        tail.int32(baseSequence)
        tail.int32(count)
        tail.raw(writer.bytes[BatchHeader.size...])
        let crc = Crc32c.of(tail.bytes, 21..<tail.bytes.count)
        tail.patch32(at: 17, Int32(bitPattern: crc))
        return tail.bytes
    }

    /// The control batch that ends a transaction in one partition.
    static func marker(
        commit: Bool, offset: Int64, timestamp: Int64, producerId: Int64, producerEpoch: Int16
    ) -> [UInt8] {
        var key = ByteWriter(capacity: 4)
        key.int16(0)
        key.int16(commit ? 1 : 0)
        var value = ByteWriter(capacity: 6)
        value.int16(0)
        value.int32(0)
        var builder = BatchBuilder(baseOffset: offset, firstTimestamp: timestamp)
        builder.add(offset: offset, timestamp: timestamp, key: key.bytes[...], value: value.bytes[...], headers: [0])
        return builder.finish(attributes: 0x30, producerId: producerId, producerEpoch: producerEpoch)
    }

    /// The same batch as if it had been sent without transaction and producer id; whole, whatever its compression.
    static func withoutProducer(_ batch: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: batch.count)
        writer.raw(batch[0..<21])
        writer.int16(Int16(truncatingIfNeeded: bigEndian(batch, 21, 2)) & ~0x10)
        writer.raw(batch[23..<43])
        writer.int64(-1)
        writer.int16(-1)
        writer.int32(-1)
        writer.raw(batch[57...])
        let crc = Crc32c.of(writer.bytes, 21..<writer.bytes.count)
        writer.patch32(at: 17, Int32(bitPattern: crc))
        return writer.bytes
    }

    /// Whether a control batch commits or aborts; nil for kinds this broker does not write.
    static func markerCommits(_ header: BatchHeader, _ bytes: [UInt8], at start: Int) -> Bool? {
        var commits: Bool?
        let end = min(bytes.count, start + header.totalSize)
        _ = try? RecordBatch.forEachRecord(header, bytes, start..<end) { record throws(MalformedRequest) in
            guard let key = record.key, key.count >= 4 else { return }
            switch bigEndian(bytes, key.lowerBound + 2, 2) {
            case 0: commits = false
            case 1: commits = true
            default: break
            }
        }
        return commits
    }
}
