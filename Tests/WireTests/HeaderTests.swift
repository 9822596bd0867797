// Percent coding, trace context, shards: the small things everything is addressed by.
import Testing

@testable import Wire

@Suite struct PercentCodingTests {
    @Test(arguments: [
        ("", ""), ("abc", "abc"), ("a%20b", "a b"), ("%C3%A9", "é"), ("%c3%a9", "é"), ("100%25", "100%"),
        ("%F0%9F%98%80", "😀"),
    ])
    func decodes(_ text: String, _ plain: String) { #expect(PercentCoding.decode(text[...]) == plain) }

    @Test(arguments: ["%", "%2", "%zz", "a%", "%C3", "%FF", "%ED%A0%80"])
    func refuses(_ text: String) { #expect(PercentCoding.decode(text[...]) == nil) }

    @Test func encodedThenDecoded() {
        var random = Random(state: 3)
        for _ in 0..<2_000 {
            let text = random.text()
            #expect(PercentCoding.decode(PercentCoding.encode(text)[...]) == text)
        }
    }
}

private let trace = "0af7651916cd43dd8448eb211c80319c"
private let upper = "0AF7651916CD43DD8448EB211C80319C"
private let span = "b7ad6b7169203331"

@Suite struct TraceContextTests {
    @Test func passesOn() throws {
        let header = "00-\(trace)-\(span)-01"
        let context = try #require(TraceContext(header: header))
        #expect(context.header == header)
        let child = context.child()
        #expect(child.traceID == trace && child.spanID != span && child.flags == "01")
        // A later version may have more parts; what is known of it is kept.
        #expect(TraceContext(header: "cc-\(trace)-\(span)-01-more")?.traceID == trace)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-01-more", "ff-\(trace)-\(span)-01",
        "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
        "00-\(upper)-\(span)-01", "00-\(trace)-\(span)-1", "00-\(trace)x-\(span)-01", "0-\(trace)-\(span)-01",
    ])
    func refuses(_ header: String) { #expect(TraceContext(header: header) == nil) }

    @Test func aNewOneIsValid() {
        for _ in 0..<100 { #expect(TraceContext(header: TraceContext().header) != nil) }
    }
}

@Suite struct ShardsTests {
    @Test func idsBelongToTheShardThatGivesThem() {
        for count: Int32 in [1, 3, 12, 1000] {
            let shards = Shards(count: count)
            for shard in 0..<count {
                var id = shards.firstID(of: shard)
                for _ in 0..<5 {
                    #expect(shards.owner(of: id) == shard)
                    id += Int64(count)
                }
            }
        }
        #expect(Shards(count: 12).owner(of: 0) == nil)
        #expect(Shards(count: 12).owner(of: -1) == nil)
        #expect(Shards(count: 12).owner(of: .min) == nil)
        #expect(Shards(count: 12).owner(of: .max) == Int32((Int64.max - 1) % 12))
    }
}
