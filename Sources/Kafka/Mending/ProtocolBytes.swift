// The fields of Kafka's own protocol, for the few calls that librdkafka 2.0.2 does not have. The broker has a reader and
// a writer of its own: it decodes every record, which took twice as long from another module, arrays ten times.

struct ProtocolWriter {
    private(set) var bytes: [UInt8] = []

    mutating func integer(_ value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// A length of four bytes, as versions before the flexible ones have it.
    mutating func array<Element>(_ elements: [Element], _ write: (inout ProtocolWriter, Element) -> Void) {
        integer(Int32(elements.count))
        for element in elements { write(&self, element) }
    }

    mutating func string(_ text: String) {
        integer(Int16(clamping: text.utf8.count))
        bytes += text.utf8.prefix(Int(Int16.max))
    }

    mutating func compactArray<Element>(_ elements: [Element], _ write: (inout ProtocolWriter, Element) -> Void) {
        varint(UInt32(elements.count) + 1)
        for element in elements { write(&self, element) }
    }

    mutating func compactString(_ text: String) {
        varint(UInt32(text.utf8.count) + 1)
        bytes += text.utf8
    }

    /// Partitions by topic, as flexible versions have them.
    mutating func compactPartitions(_ partitions: [TopicPartition]) {
        compactArray(Array(Dictionary(grouping: partitions, by: \.topic))) { writer, topic in
            writer.compactString(topic.key)
            writer.compactArray(topic.value.map(\.partition)) { $0.integer($1) }
            writer.noTags()
        }
    }

    /// Every structure of a flexible version ends so.
    mutating func noTags() { bytes.append(0) }

    private mutating func varint(_ value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f | 0x80))
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// Every length is checked against what is there: an answer is input like any other.
struct ProtocolReader {
    struct Malformed: Error {}

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)[...]
        position = 0
    }

    mutating func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(Malformed) -> Value {
        var value: Value = 0
        for byte in try take(Value.bitWidth / 8) { value = value << 8 | Value(truncatingIfNeeded: byte) }
        return value
    }

    mutating func bool() throws(Malformed) -> Bool { try integer(Int8.self) != 0 }

    mutating func string() throws(Malformed) -> String? {
        let length = Int(try integer(Int16.self))
        return length < 0 ? nil : String(decoding: try take(length), as: UTF8.self)
    }

    mutating func compactString() throws(Malformed) -> String? {
        let length = Int(try varint())
        return length == 0 ? nil : String(decoding: try take(length - 1), as: UTF8.self)
    }

    mutating func array<Element>(
        _ read: (inout ProtocolReader) throws(Malformed) -> Element
    ) throws(Malformed) -> [Element] {
        try elements(Int(try integer(Int32.self)), read)
    }

    mutating func compactArray<Element>(
        _ read: (inout ProtocolReader) throws(Malformed) -> Element
    ) throws(Malformed) -> [Element] {
        try elements(Int(try varint()) - 1, read)
    }

    /// Partitions by topic, as flexible versions have them.
    mutating func compactPartitions() throws(Malformed) -> [TopicPartition] {
        try compactArray { (reader) throws(Malformed) in
            let topic = try reader.compactString() ?? ""
            let partitions = try reader.compactArray { (reader) throws(Malformed) in
                TopicPartition(topic: topic, partition: try reader.integer(Int32.self))
            }
            try reader.skipTags()
            return partitions
        }.flatMap { $0 }
    }

    mutating func skipTags() throws(Malformed) {
        for _ in 0..<(try varint()) {
            _ = try varint()
            _ = try take(Int(try varint()))
        }
    }

    private mutating func elements<Element>(
        _ count: Int, _ read: (inout ProtocolReader) throws(Malformed) -> Element
    ) throws(Malformed) -> [Element] {
        // An element takes a byte at least: a count beyond what is left is none.
        guard count <= bytes.count - position else { throw Malformed() }
        var result: [Element] = []
        for _ in 0..<max(0, count) { result.append(try read(&self)) }
        return result
    }

    private mutating func varint() throws(Malformed) -> UInt32 {
        var value: UInt32 = 0
        for shift in stride(from: UInt32(0), through: 28, by: 7) {
            let byte = try integer(UInt8.self)
            value |= UInt32(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw Malformed()
    }

    private mutating func take(_ count: Int) throws(Malformed) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - position else { throw Malformed() }
        defer { position += count }
        return bytes[position..<position + count]
    }
}
