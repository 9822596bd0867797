// The rows of one shard's list answer, one at a time, as bytes: only the fields that decide the order are read.
import Contract
import Wire

struct ShardRows {
    struct Row {
        let bytes: ArraySlice<UInt8>
        let id: Int64
        /// The values of the sort fields, in their order.
        let keys: [JSON]
    }

    /// Rows of the shard that match, however many of them came along.
    let total: Int
    private var scanner: JSONScanner
    private let idName: [UInt8]
    private let keyNames: [[UInt8]]

    /// Of `{"total":2,"items":[{…},{…}]}`. Nil for anything else: an answer that cannot be read must not look like an empty list.
    init?(_ body: [UInt8], idField: String, keyFields: [String]) {
        var scanner = JSONScanner(body)
        var total: Int?
        var items: Int?
        guard scanner.take("{") else { return nil }
        while total == nil || items == nil {
            guard let name = scanner.string(), scanner.take(":") else { return nil }
            switch name {
            case "total":
                guard let value = scanner.value() else { return nil }
                total = Int(String(decoding: body[value], as: UTF8.self))
                if total == nil { return nil }
            case "items":
                items = scanner.place
                // The rows are not gone over here unless something that is needed comes behind them.
                if total == nil, scanner.value() == nil { return nil }
            default:
                guard scanner.value() != nil else { return nil }
            }
            if total == nil || items == nil, !scanner.take(",") { return nil }
        }
        guard let total, let items else { return nil }
        scanner.place = items
        guard scanner.take("[") else { return nil }
        self.total = total
        self.scanner = scanner
        idName = Array(idField.utf8)
        keyNames = keyFields.map { Array($0.utf8) }
    }

    /// Nil at the end. Throws where the bytes are no list of objects with an id.
    mutating func next() throws(Problem) -> Row? {
        if scanner.take("]") { return nil }
        _ = scanner.take(",")
        guard let row = row() else { throw Problem(500, "the service answered a list that cannot be read") }
        return row
    }

    private mutating func row() -> Row? {
        var id: Int64?
        var keys = [JSON](repeating: .null, count: keyNames.count)
        guard scanner.take("{") else { return nil }
        let start = scanner.place - 1
        while !scanner.take("}") {
            _ = scanner.take(",")
            guard let name = scanner.stringBytes(), scanner.take(":"), let value = scanner.value() else { return nil }
            if scanner.bytes[name].elementsEqual(idName) {
                id = Int64(String(decoding: scanner.bytes[value], as: UTF8.self))
            }
            for (place, keyName) in keyNames.enumerated() where scanner.bytes[name].elementsEqual(keyName) {
                guard let key = try? JSON(parsing: Array(scanner.bytes[value])) else { return nil }
                keys[place] = key
            }
        }
        guard let id else { return nil }
        return Row(bytes: scanner.bytes[start..<scanner.place], id: id, keys: keys)
    }
}

/// Walks over JSON and makes no values. What it walks over was written by a shard, so it checks structure, not spelling.
struct JSONScanner {
    let bytes: [UInt8]
    var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Skips space, then takes this very character.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    /// The text of a member name without escapes, which contracts do not use.
    mutating func string() -> String? {
        stringBytes().map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    mutating func stringBytes() -> Range<Int>? {
        guard take("\"") else { return nil }
        let start = place
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\""):
                place += 1
                return start..<place - 1
            case UInt8(ascii: "\\"): place += 2
            default: place += 1
            }
        }
        return nil
    }

    /// Where the next value lies.
    mutating func value() -> Range<Int>? {
        skipSpace()
        guard place < bytes.count else { return nil }
        let start = place
        switch bytes[place] {
        case UInt8(ascii: "\""): return stringBytes().map { _ in start..<place }
        case UInt8(ascii: "{"), UInt8(ascii: "["): return nested() ? start..<place : nil
        default:
            while place < bytes.count, !Self.endsWord(bytes[place]) { place += 1 }
            return place > start ? start..<place : nil
        }
    }

    private mutating func nested() -> Bool {
        var depth = 0
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\""):
                guard stringBytes() != nil else { return false }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            place += 1
            if depth == 0 { return true }
        }
        return false
    }

    private mutating func skipSpace() {
        while place < bytes.count, bytes[place] <= 0x20 { place += 1 }
    }

    private static func endsWord(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
    }
}
