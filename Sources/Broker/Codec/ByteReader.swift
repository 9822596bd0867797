// Reads the fields of a request. Every length is checked against what is there: input is never trusted, never traps.

/// A request that does not follow its own schema; the connection that sent it is closed.
struct MalformedRequest: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

struct ByteReader {
    private var bytes: [UInt8]
    private(set) var position: Int
    let end: Int
    /// Flexible versions write compact lengths and end every structure with tagged fields (KIP-482).
    var flexible = false

    init(_ bytes: [UInt8], from start: Int = 0) {
        self.bytes = bytes
        position = min(start, bytes.count)
        end = bytes.count
    }

    init(_ bytes: [UInt8], range: Range<Int>) {
        self.bytes = bytes
        let whole = range.clamped(to: 0..<bytes.count)
        position = whole.lowerBound
        end = whole.upperBound
    }

    var remaining: Int { end - position }

    /// Gives the bytes away, so that the one who stores them can patch them without a copy. Nothing is read after.
    mutating func takeBytes() -> [UInt8] {
        position = end
        defer { bytes = [] }
        return bytes
    }

    private mutating func take(_ count: Int) throws(MalformedRequest) -> Int {
        guard count >= 0, count <= end - position else {
            throw MalformedRequest("\(count) bytes wanted, \(remaining) left")
        }
        defer { position += count }
        return position
    }

    mutating func skip(_ count: Int) throws(MalformedRequest) { _ = try take(count) }

    mutating func int8() throws(MalformedRequest) -> Int8 { Int8(bitPattern: bytes[try take(1)]) }

    mutating func bool() throws(MalformedRequest) -> Bool { try int8() != 0 }

    mutating func int16() throws(MalformedRequest) -> Int16 {
        let at = try take(2)
        return Int16(bitPattern: UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]))
    }

    mutating func int32() throws(MalformedRequest) -> Int32 {
        let at = try take(4)
        var value: UInt32 = 0
        for index in at..<at + 4 { value = value << 8 | UInt32(bytes[index]) }
        return Int32(bitPattern: value)
    }

    mutating func int64() throws(MalformedRequest) -> Int64 {
        let at = try take(8)
        var value: UInt64 = 0
        for index in at..<at + 8 { value = value << 8 | UInt64(bytes[index]) }
        return Int64(bitPattern: value)
    }

    /// An unsigned LEB128 number of at most five bytes.
    mutating func unsignedVarint() throws(MalformedRequest) -> UInt32 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 28, by: 7) {
            let byte = bytes[try take(1)]
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 {
                guard let result = UInt32(exactly: value) else { break }
                return result
            }
        }
        throw MalformedRequest("a varint longer than 32 bits")
    }

    /// A zigzag number of at most ten bytes, as records use it.
    mutating func varlong() throws(MalformedRequest) -> Int64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            let byte = bytes[try take(1)]
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
        }
        throw MalformedRequest("a varlong longer than 64 bits")
    }

    /// The length of a string, bytes or array field; nil means null.
    private mutating func compactLength() throws(MalformedRequest) -> Int? {
        let encoded = try unsignedVarint()
        return encoded == 0 ? nil : Int(encoded) - 1
    }

    private mutating func length16() throws(MalformedRequest) -> Int? {
        if flexible { return try compactLength() }
        let length = Int(try int16())
        guard length >= -1 else { throw MalformedRequest("length \(length)") }
        return length == -1 ? nil : length
    }

    private mutating func length32() throws(MalformedRequest) -> Int? {
        if flexible { return try compactLength() }
        let length = Int(try int32())
        guard length >= -1 else { throw MalformedRequest("length \(length)") }
        return length == -1 ? nil : length
    }

    mutating func nullableString() throws(MalformedRequest) -> String? {
        guard let length = try length16() else { return nil }
        return try text(length)
    }

    mutating func string() throws(MalformedRequest) -> String {
        guard let text = try nullableString() else { throw MalformedRequest("null where a string is required") }
        return text
    }

    private mutating func text(_ length: Int) throws(MalformedRequest) -> String {
        // Kafka's own limit. Compact lengths could be larger, but nothing else here could hold such a text, least of all
        // the journal.
        guard length <= Int(Int16.max) else { throw MalformedRequest("a string of \(length) bytes") }
        let start = try take(length)
        guard let text = String(validating: bytes[start..<start + length], as: UTF8.self) else {
            throw MalformedRequest("a string that is not UTF-8")
        }
        return text
    }

    mutating func nullableBytesRange() throws(MalformedRequest) -> Range<Int>? {
        guard let length = try length32() else { return nil }
        let start = try take(length)
        return start..<start + length
    }

    mutating func byteArray() throws(MalformedRequest) -> [UInt8] {
        guard let range = try nullableBytesRange() else { return [] }
        return Array(bytes[range])
    }

    mutating func uuid() throws(MalformedRequest) -> UUIDBytes {
        UUIDBytes(high: UInt64(bitPattern: try int64()), low: UInt64(bitPattern: try int64()))
    }

    /// The number of elements of an array; nil means null. An element takes at least a byte, so a count beyond the
    /// rest of the request is a lie and nothing is reserved for it.
    mutating func nullableCount() throws(MalformedRequest) -> Int? {
        guard let count = try length32() else { return nil }
        guard count <= remaining else { throw MalformedRequest("\(count) elements in \(remaining) bytes") }
        return count
    }

    mutating func array<Element>(
        _ element: (inout ByteReader) throws(MalformedRequest) -> Element
    ) throws(MalformedRequest) -> [Element] {
        try nullableArray(element) ?? []
    }

    mutating func nullableArray<Element>(
        _ element: (inout ByteReader) throws(MalformedRequest) -> Element
    ) throws(MalformedRequest) -> [Element]? {
        guard let count = try nullableCount() else { return nil }
        var elements: [Element] = []
        for _ in 0..<count { elements.append(try element(&self)) }
        return elements
    }

    /// Skips the tagged fields that end a structure of a flexible version; none of them matters to one node.
    mutating func endStructure() throws(MalformedRequest) {
        guard flexible else { return }
        for _ in 0..<(try unsignedVarint()) {
            _ = try unsignedVarint()
            try skip(Int(try unsignedVarint()))
        }
    }
}

/// A topic id as it is on the wire.
struct UUIDBytes: Hashable, Sendable {
    var high: UInt64 = 0
    var low: UInt64 = 0

    static let zero = UUIDBytes()

    static func random() -> UUIDBytes {
        UUIDBytes(high: UInt64.random(in: 1 ... .max), low: UInt64.random(in: 1 ... .max))
    }
}
