// CRC-32C (Castagnoli), the checksum of record batches, eight bytes a step with eight tables.

enum Crc32c {
    private static let tables: [UInt32] = makeTables()

    private static func makeTables() -> [UInt32] {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for index in 0..<256 {
            var value = UInt32(index)
            for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82f6_3b78 : value >> 1 }
            tables[index] = value
        }
        for table in 1..<8 {
            for index in 0..<256 {
                let previous = tables[(table - 1) * 256 + index]
                tables[table * 256 + index] = (previous >> 8) ^ tables[Int(previous & 0xff)]
            }
        }
        return tables
    }

    static func of(_ bytes: [UInt8], _ range: Range<Int>) -> UInt32 {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        // Unchecked access inside ranges that were just checked: this loop sees every byte that is produced.
        return unsafe bytes.withUnsafeBytes { content in
            unsafe tables.withUnsafeBufferPointer { table in
                unsafe checksum(UnsafeRawBufferPointer(rebasing: content[range]), table)
            }
        }
    }

    private static func checksum(_ content: UnsafeRawBufferPointer, _ table: UnsafeBufferPointer<UInt32>) -> UInt32 {
        var crc: UInt32 = 0xffff_ffff
        var index = 0
        while index + 8 <= content.count {
            let word = unsafe UInt64(littleEndian: content.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let mixed = word ^ UInt64(crc)
            var next = unsafe table[7 * 256 + Int(mixed & 0xff)]
            unsafe next ^= table[6 * 256 + Int(mixed >> 8 & 0xff)]
            unsafe next ^= table[5 * 256 + Int(mixed >> 16 & 0xff)]
            unsafe next ^= table[4 * 256 + Int(mixed >> 24 & 0xff)]
            unsafe next ^= table[3 * 256 + Int(mixed >> 32 & 0xff)]
            unsafe next ^= table[2 * 256 + Int(mixed >> 40 & 0xff)]
            unsafe next ^= table[1 * 256 + Int(mixed >> 48 & 0xff)]
            unsafe next ^= table[Int(mixed >> 56)]
            crc = next
            index += 8
        }
        while index < content.count {
            crc = unsafe (crc >> 8) ^ table[Int((crc ^ UInt32(content[index])) & 0xff)]
            index += 1
        }
        return ~crc
    }
}
