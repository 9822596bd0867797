// The JSON parser and writer: the corners of RFC 8259, bounds, and that what was written is read back.
import Testing

@testable import Wire

@Suite struct JSONTests {
    /// What is written reads back as what it was, and is written again as it was.
    @Test func writtenThenParsed() throws {
        var random = Random(state: 42)
        for _ in 0..<2_000 {
            let value = random.json(depth: 4)
            let parsed = try JSON(parsing: value.bytes)
            #expect(parsed == value, "\(value.text)")
            #expect(parsed.bytes == value.bytes)
            #expect(try JSON(parsing: value.prettyText) == value)
        }
    }

    /// Bytes at random never trap; what parses is written as JSON again.
    @Test func anyBytes() throws {
        var random = Random(state: 7)
        let alphabet = Array("{}[]\",:\\ue0159.+-tfnrals \n\u{1}é".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<random.below(14)).map { _ in alphabet[random.below(alphabet.count)] }
            guard let value = try? JSON(parsing: bytes) else { continue }
            #expect(try JSON(parsing: value.bytes) == value)
        }
    }

    @Test(arguments: [
        ("0", "0"), ("-0", "0"), ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"), ("9223372036854775808", "9.223372036854775808e+18"),
        ("1.5", "1.5"), ("1e999", "1.7976931348623157e308"), ("-1e999", "-1.7976931348623157e308"), ("1e2", "100.0"),
        ("1E-2", "0.01"), ("\"\\u0041\"", "\"A\""),
        ("\"\\ud83d\\ude00\"", "\"😀\""), ("\"\\/\"", "\"/\""), ("\"\\b\\f\\n\\r\\t\"", "\"\\u0008\\u000c\\n\\r\\t\""),
        (" [ ] ", "[]"), ("{ }", "{}"), ("{\"a\":1,\"a\":2}", "{\"a\":2}"), ("\u{20}\n\t\r1\n", "1"),
        ("[[[]]]", "[[[]]]"), ("\"\u{7f}é\u{10ffff}\"", "\"\u{7f}é\u{10ffff}\""), ("\"\\u0000\"", "\"\\u0000\""),
    ])
    func isRead(_ text: String, _ written: String) throws {
        let value = try JSON(parsing: text)
        #expect(value == (try JSON(parsing: written)))
        #expect(try JSON(parsing: value.text) == value)
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}", "01", "-", "+1", "1.",
        ".5",
        "1e", "1e+", "--1", "0x10", "NaN", "Infinity", "'a'", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
        "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"", "\"\u{1}\"", "\"\n\"", "1 2", "[1]]", "{}{}", "\u{feff}1",
        "\"\\u00g0\"", "[1 2]", "{\"a\" 1}", "/* */1",
    ])
    func isRefused(_ text: String) {
        #expect(throws: JSONError.self) { try JSON(parsing: text) }
    }

    @Test func notUTF8IsRefused() {
        for bytes: [UInt8] in [[0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22]] {
            #expect(throws: JSONError.self) { try JSON(parsing: bytes) }
        }
    }

    @Test func anErrorSaysWhere() {
        #expect(throws: JSONError(problem: "no value can begin here", offset: 6)) {
            try JSON(parsing: "{\"a\": ?}")
        }
    }

    @Test func depthAndMembersAreBounded() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSON(parsing: nested(JSON.depthMax))
        #expect(throws: JSONError.self) { try JSON(parsing: nested(JSON.depthMax + 1)) }
        #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: "[", count: 1_000_000)) }
        func object(_ members: Int) -> String {
            "{" + (0..<members).map { "\"m\($0)\":1" }.joined(separator: ",") + "}"
        }
        _ = try JSON(parsing: object(JSON.membersMax))
        #expect(throws: JSONError.self) { try JSON(parsing: object(JSON.membersMax + 1)) }
    }

    @Test func membersKeepTheirOrder() throws {
        var object = try #require(try JSON(parsing: "{\"z\":1,\"a\":2}").object)
        object["z"] = 3
        object["m"] = 4
        object["a"] = nil
        #expect(object.text == "{\"z\":3,\"m\":4}")
    }
}

/// A small generator of its own: a failure must come again.
struct Random {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 11
    }
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func text() -> String {
        let scalars: [Unicode.Scalar] = ["a", "\"", "\\", "/", "\n", "\u{0}", "\u{1f}", "é", "\u{2028}", "😀", "{", " "]
        var text = ""
        for _ in 0..<below(8) { text.unicodeScalars.append(scalars[below(scalars.count)]) }
        return text
    }

    mutating func json(depth: Int) -> JSON {
        switch below(depth > 0 ? 8 : 6) {
        case 0: return .null
        case 1: return .bool(below(2) == 0)
        case 2: return .integer(Int64(bitPattern: next() << 11 ^ next()))
        case 3: return .integer(Int64(below(2_000)) - 1_000)
        case 4: return .number(Double(below(1_000_000)) / 64 + 0.5 / 128)
        case 5: return .string(text())
        case 6: return .array((0..<below(4)).map { _ in json(depth: depth - 1) })
        default:
            var object = JSONObject()
            for place in 0..<below(4) { object["\(text())\(place)"] = json(depth: depth - 1) }
            return .object(object)
        }
    }
}
