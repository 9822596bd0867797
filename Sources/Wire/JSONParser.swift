// Bytes to JSON: RFC 8259 to the letter, in one pass, with bounds on depth and a place in every error.

/// Text that is not JSON. `offset` counts bytes from 0.
public struct JSONError: Error, CustomStringConvertible, Equatable {
    public let problem: String
    public let offset: Int
    public var description: String { "not valid JSON: \(problem) at byte \(offset)" }
}

extension JSON {
    /// Deeper nesting is refused: recursion is bounded by this, not by the stack.
    public static let depthMax = 64
    /// Members of one object: they are searched one by one, so a hostile object must stay short.
    public static let membersMax = 256

    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var parser = JSONParser(bytes)
        self = try parser.document()
    }

    public init(parsing text: String) throws(JSONError) { try self.init(parsing: Array(text.utf8)) }
}

private struct JSONParser {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSON {
        let value = try value(depth: 0)
        skipSpace()
        if place < bytes.count { throw error("something follows the value") }
        return value
    }

    private func error(_ problem: String) -> JSONError { JSONError(problem: problem, offset: place) }

    private var byte: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        guard depth < JSON.depthMax else { throw error("nested deeper than \(JSON.depthMax) levels") }
        skipSpace()
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw error("it ends where a value should be")
        case .some(let byte) where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte): return try number()
        default: throw error("no value can begin here")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for letter in word.description.utf8 {
            guard byte == letter else { throw error("expected '\(word)'") }
            place += 1
        }
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSON {
        var object = JSONObject()
        place += 1
        skipSpace()
        if byte == UInt8(ascii: "}") {
            place += 1
            return .object(object)
        }
        object.makeRoom()
        while true {
            skipSpace()
            guard byte == UInt8(ascii: "\"") else { throw error("expected a member name") }
            let name = try string()
            skipSpace()
            guard byte == UInt8(ascii: ":") else { throw error("expected ':'") }
            place += 1
            guard object.members.count < JSON.membersMax else { throw error("more than \(JSON.membersMax) members") }
            // The last of duplicate names wins, as with the originals.
            object[name] = try value(depth: depth + 1)
            if try closes(UInt8(ascii: "}")) { return .object(object) }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSON {
        var items: [JSON] = []
        place += 1
        skipSpace()
        if byte == UInt8(ascii: "]") {
            place += 1
            return .array(items)
        }
        while true {
            items.append(try value(depth: depth + 1))
            if try closes(UInt8(ascii: "]")) { return .array(items) }
        }
    }

    /// After an item: true at the closing bracket, false at a comma.
    private mutating func closes(_ bracket: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        guard let byte, byte == bracket || byte == UInt8(ascii: ",") else {
            throw error("expected ',' or '\(Character(Unicode.Scalar(bracket)))'")
        }
        place += 1
        return byte == bracket
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = place
        if byte == UInt8(ascii: "-") { place += 1 }
        let firstDigit = byte
        let whole = skipDigits()
        if whole == 0 || (whole > 1 && firstDigit == UInt8(ascii: "0")) { throw error("not a number") }
        var isInteger = true
        if byte == UInt8(ascii: ".") {
            isInteger = false
            place += 1
            if skipDigits() == 0 { throw error("a digit must follow '.'") }
        }
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            isInteger = false
            place += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { place += 1 }
            if skipDigits() == 0 { throw error("a digit must follow the exponent") }
        }
        if isInteger, place - start <= 18 { return .integer(shortInteger(start)) }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text) else { throw error("not a number") }
        // It may stand where nobody reads it. The largest that a Double holds suits no field either, and can be written.
        let largest = Double.greatestFiniteMagnitude
        return .number(min(max(number, -largest), largest))
    }

    /// Up to 17 digits and a sign, or 18 digits: no overflow.
    private func shortInteger(_ start: Int) -> Int64 {
        let isNegative = bytes[start] == UInt8(ascii: "-")
        var number: Int64 = 0
        for digit in bytes[(isNegative ? start + 1 : start)..<place] { number = number * 10 + Int64(digit - 0x30) }
        return isNegative ? -number : number
    }

    private mutating func skipDigits() -> Int {
        let start = place
        while let byte, byte >= 0x30, byte <= 0x39 { place += 1 }
        return place - start
    }

    private mutating func string() throws(JSONError) -> String {
        place += 1
        let start = place
        // Most strings hold no escape and are taken in one piece.
        var bits: UInt8 = 0
        while let byte, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            bits |= byte
            place += 1
        }
        if byte == UInt8(ascii: "\"") {
            place += 1
            // Plain ASCII needs no validation.
            if bits < 0x80 { return String(decoding: bytes[start..<place - 1], as: UTF8.self) }
            return try text(bytes[start..<place - 1], at: start)
        }
        var unescaped = Array(bytes[start..<place])
        while let byte {
            switch byte {
            case UInt8(ascii: "\""):
                place += 1
                return try text(unescaped[...], at: start)
            case UInt8(ascii: "\\"):
                place += 1
                try escape(into: &unescaped)
            case 0..<0x20: throw error("a control character must be escaped")
            default:
                unescaped.append(byte)
                place += 1
            }
        }
        throw error("the text does not end")
    }

    private func text(_ slice: ArraySlice<UInt8>, at start: Int) throws(JSONError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw JSONError(problem: "text that is not UTF-8", offset: start)
        }
        return text
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte else { throw error("the text does not end") }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(Character(try unicodeEscape())).utf8)
        default: throw error("unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let unit = try fourHexDigits()
        if let scalar = Unicode.Scalar(UInt32(unit)) { return scalar }
        // A high surrogate must be followed by an escaped low one; alone, neither is a character.
        guard unit < 0xDC00, byte == UInt8(ascii: "\\") else { throw error("half a surrogate pair") }
        place += 1
        guard byte == UInt8(ascii: "u") else { throw error("half a surrogate pair") }
        place += 1
        let low = try fourHexDigits()
        guard (0xDC00...0xDFFF).contains(low) else { throw error("half a surrogate pair") }
        let value = 0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00)
        guard let scalar = Unicode.Scalar(value) else { throw error("half a surrogate pair") }
        return scalar
    }

    private mutating func fourHexDigits() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt16(digit)
            place += 1
        }
        return unit
    }
}
