// Writes the fields of a response or of a journal entry, big-endian as Kafka does.

struct ByteWriter {
    private(set) var bytes: [UInt8] = []
    /// Stretches of log files that belong between the bytes; they go to the socket without a copy in this process.
    private(set) var slices: [(at: Int, slice: FileSlice)] = []
    var flexible = false

    init(capacity: Int = 128) { bytes.reserveCapacity(capacity) }

    /// The size of the whole message, files included.
    var totalCount: Int { slices.reduce(bytes.count) { $0 + $1.slice.length } }

    mutating func int8(_ value: Int8) { bytes.append(UInt8(bitPattern: value)) }

    mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func int16(_ value: Int16) {
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    mutating func int32(_ value: Int32) {
        for shift in stride(from: Int32(24), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    mutating func int64(_ value: Int64) {
        for shift in stride(from: Int64(56), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    mutating func error(_ code: ErrorCode) { int16(code.rawValue) }

    mutating func unsignedVarint(_ value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Zigzag, as records use it.
    mutating func varlong(_ value: Int64) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func compactLength(_ length: Int?) {
        unsignedVarint(length.map { UInt32(clamping: $0 + 1) } ?? 0)
    }

    mutating func string(_ text: String) { nullableString(text) }

    mutating func nullableString(_ text: String?) {
        let length = text?.utf8.count
        if flexible { compactLength(length) } else { int16(length.map { Int16(clamping: $0) } ?? -1) }
        if let text { bytes.append(contentsOf: text.utf8) }
    }

    mutating func byteArray(_ content: [UInt8]) {
        bytesLength(content.count)
        bytes.append(contentsOf: content)
    }

    mutating func bytesLength(_ length: Int?) {
        if flexible { compactLength(length) } else { int32(length.map { Int32(clamping: $0) } ?? -1) }
    }

    mutating func raw(_ content: some Collection<UInt8>) { bytes.append(contentsOf: content) }

    mutating func uuid(_ id: UUIDBytes) {
        int64(Int64(bitPattern: id.high))
        int64(Int64(bitPattern: id.low))
    }

    mutating func file(_ slice: FileSlice) { slices.append((at: bytes.count, slice: slice)) }

    mutating func count(_ count: Int) { bytesLength(count) }

    mutating func array<Elements: Collection>(
        _ elements: Elements, _ write: (inout ByteWriter, Elements.Element) -> Void
    ) {
        count(elements.count)
        for element in elements { write(&self, element) }
    }

    /// Ends a structure of a flexible version without tagged fields.
    mutating func endStructure() { if flexible { bytes.append(0) } }

    mutating func patch32(at index: Int, _ value: Int32) {
        for offset in 0..<4 { bytes[index + offset] = UInt8(truncatingIfNeeded: value >> Int32(24 - 8 * offset)) }
    }
}
