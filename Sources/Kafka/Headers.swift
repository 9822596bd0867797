// The headers of a record in one piece of memory: a record has a dozen, and an array for each would cost more than all else
// that is done with most of them.

public struct Headers: Sendable, Equatable, ExpressibleByArrayLiteral {
    /// One after another: the lengths of name and value, four bytes each, then both. The shim of the C library reads it.
    private(set) var bytes: [UInt8] = []
    public private(set) var count = 0

    /// Bytes of the two lengths before each name.
    static let lengthBytes = 8
    /// Enough for the headers of most records.
    private static let usualBytes = 384

    public init() {}

    public init(_ headers: some Sequence<Header>) {
        for header in headers { append(header) }
    }

    public init(arrayLiteral headers: Header...) { self.init(headers) }

    /// Takes what somebody has laid out as `bytes` says.
    init(count: Int, bytes: [UInt8]) {
        self.count = count
        self.bytes = bytes
    }

    public var isEmpty: Bool { count == 0 }

    // MARK: - Writing

    public mutating func append(_ header: Header) {
        begin(header.name, valueCount: header.value.count)
        bytes.append(contentsOf: header.value)
    }

    public mutating func append(_ name: String, _ text: String) {
        begin(name, valueCount: text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    public mutating func append(_ name: String, _ number: Int64) {
        // Nineteen digits and a sign; short ones stay inside the string itself.
        append(name, String(number))
    }

    public mutating func append(_ others: Headers) {
        bytes.append(contentsOf: others.bytes)
        count += others.count
    }

    private mutating func begin(_ name: String, valueCount: Int) {
        if bytes.capacity == 0 { bytes.reserveCapacity(Self.usualBytes) }
        append(length: name.utf8.count)
        append(length: valueCount)
        bytes.append(contentsOf: name.utf8)
        count += 1
    }

    private mutating func append(length: Int) {
        let length = UInt32(clamping: length)
        bytes.append(UInt8(truncatingIfNeeded: length))
        bytes.append(UInt8(truncatingIfNeeded: length >> 8))
        bytes.append(UInt8(truncatingIfNeeded: length >> 16))
        bytes.append(UInt8(truncatingIfNeeded: length >> 24))
    }

    // MARK: - Reading

    /// The text of the last header of this name; what is no UTF-8 is repaired.
    public func text(_ name: String) -> String? {
        find(name).map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    /// The last header of this name as a whole number; nil for what is none.
    public func number(_ name: String) -> Int64? {
        find(name).flatMap { Int64(String(decoding: bytes[$0], as: UTF8.self)) }
    }

    func find(_ name: String) -> Range<Int>? {
        var found: Range<Int>?
        let count = name.utf8.count
        walk { nameRange, valueRange in
            if nameRange.count == count, matches(name, at: nameRange.lowerBound) { found = valueRange }
        }
        return found
    }

    private func matches(_ name: String, at start: Int) -> Bool {
        var place = start
        for byte in name.utf8 {
            if bytes[place] != byte { return false }
            place += 1
        }
        return true
    }

    private func walk(_ body: (_ name: Range<Int>, _ value: Range<Int>) -> Void) {
        var place = 0
        while place < bytes.count {
            let name = length(at: place)
            let value = length(at: place + 4)
            let start = place + Self.lengthBytes
            body(start..<start + name, start + name..<start + name + value)
            place = start + name + value
        }
    }

    private func length(at place: Int) -> Int {
        Int(bytes[place]) | Int(bytes[place + 1]) << 8 | Int(bytes[place + 2]) << 16 | Int(bytes[place + 3]) << 24
    }
}

extension Headers {
    /// One by one, for those who look at all of them.
    public var all: [Header] {
        var all: [Header] = []
        walk { name, value in
            all.append(Header(String(decoding: bytes[name], as: UTF8.self), bytes: Array(bytes[value])))
        }
        return all
    }

    public static func + (headers: Headers, more: [Header]) -> Headers {
        var headers = headers
        for header in more { headers.append(header) }
        return headers
    }
}
