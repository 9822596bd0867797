// The line that everybody reads when something is wrong, and the time it begins with.
import Testing

@testable import Platform

@Suite struct LogTests {
    private func line(_ message: String, _ fields: KeyValuePairs<String, LogValue>) -> Substring {
        let context = [(name: "service", value: LogValue("order"))]
        let bytes = Log.jsonLine(.warning, message, context, fields)
        // After the time, which is now.
        return String(decoding: bytes, as: UTF8.self).dropFirst(#"{"time":"2026-11-28T22:30:00.000Z""#.count)
    }

    @Test func aLineIsOneObject() {
        #expect(
            line("late", ["shard": 3, "left": LogValue(Int64.min), "topic": "a/b ü"])
                == #","level":"warning","message":"late","service":"order","shard":3,"left":-9223372036854775808,"#
                + #""topic":"a/b ü"}"# + "\n")
    }

    @Test func whatWouldEndTheTextOrTheLineIsEscaped() {
        #expect(
            line("\"\\", ["a": "1\n2\t3\r4\u{0}5\u{1F}6\u{7F}", "b": "ü\n"])
                == #","level":"warning","message":"\"\\","service":"order","a":"1\n2\t3\r4\u00005\u001f6"#
                + "\u{7F}\",\"b\":\"ü" + #"\n"}"# + "\n")
    }

    @Test func noMoreOfATextThanAllowed() {
        #expect(line("m", ["path": LogValue("äöü", atMost: 3)]).contains(#""path":"äöü""#))
        #expect(line("m", ["path": LogValue("äöü!", atMost: 3)]).contains(#""path":"äöü""#))
        #expect(line("m", ["path": LogValue("/a", atMost: 2)]).contains(#""path":"/a""#))
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z", "19700101000000"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z", "20000228235959"),
            (951_782_400_007, "2000-02-29T00:00:00.007Z", "20000229000000"),
            (1_795_905_013_042, "2026-11-28T22:30:13.042Z", "20261128223013"),
            (253_402_300_800_000, "10000-01-01T00:00:00.000Z", "100000101000000"),
        ] as [(Int64, String, String)])
    func aMomentIsWrittenInUTC(_ milliseconds: Int64, _ text: String, _ compact: String) {
        let time = UTCTime(wallMilliseconds: milliseconds)
        #expect(time.rfc3339 == text)
        #expect(time.compact == compact)
    }
}
