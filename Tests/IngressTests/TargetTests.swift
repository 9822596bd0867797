// Paths and queries taken apart, table by table.
import Testing

@testable import Ingress

@Suite struct TargetTests {
    @Test(arguments: [
        ("/", []),
        ("/books", ["books"]),
        ("/books/", ["books"]),
        ("/books//", ["books", ""]),
        ("//books", ["", "books"]),
        ("/a%20b/%C3%A4/c+d", ["a b", "ä", "c+d"]),
        ("/äö", ["äö"]),
        ("/%2Ehidden/...", [".hidden", "..."]),
        ("http://host:8080/books/1", ["books", "1"]),
        ("HTTPS://host/books?x=1", ["books"]),
        ("http://host", []),
        ("http://host?x=1", []),
        ("*", []),
        ("", []),
    ])
    func segments(target: String, expected: [String]) throws {
        #expect(try parse(target).segments == expected)
    }

    @Test(arguments: [
        "/a/../b", "/..", "/.", "/a/%2e%2E/b", "/%2e", "/a%2Fb", "/%00", "/a%", "/a%2", "/a%zz", "/a%-1", "/%FF",
        "/%C3", "/a b", "/a#b", "/a\u{7F}", "/a\tb", "books", "host:80", "/?a=%", "/?%00", "/?a=%FF", "/?a=%C3%28",
    ])
    func refused(target: String) {
        #expect(throws: Refusal.self) { try parse(target) }
        #expect(status(of: target) == 400)
    }

    @Test func bytesThatAreNoText() {
        #expect(throws: Refusal.self) { try RequestTarget([0x2F, 0xC3, 0x28].span, queryParametersMax: 9) }
        #expect(throws: Refusal.self) { try RequestTarget([0x2F, 0x3F, 0xFF].span, queryParametersMax: 9) }
    }

    @Test(arguments: [
        ("/?", []),
        ("/?&&", []),
        ("/?a", ["a="]),
        ("/?a=", ["a="]),
        ("/?=b", ["=b"]),
        ("/?a=1&b=2&a=3", ["a=1", "b=2", "a=3"]),
        ("/?a=b=c&x=?/", ["a=b=c", "x=?/"]),
        ("/?a+b=c%2Bd+e%26", ["a b=c+d e&"]),
        ("/?n=%C3%A4/..", ["n=ä/.."]),
    ])
    func query(target: String, expected: [String]) throws {
        #expect(try parse(target).query.map { "\($0.name)=\($0.value)" } == expected)
    }

    @Test func rawPartsStayAsSent() throws {
        let target = try parse("/a%20b/?x=%41+&y")
        #expect(target.path == "/a%20b/")
        #expect(target.rawQuery == "x=%41+&y")
    }

    @Test func tooManyParameters() throws {
        let names = Array(repeating: "a=1", count: 9).joined(separator: "&")
        #expect(try parse("/?" + names).query.count == 9)
        #expect(status(of: "/?" + names + "&b") == 414)
        // Empty ones cost the daemon memory too.
        #expect(status(of: "/?" + String(repeating: "&", count: 300)) == 414)
    }

    @Test func headerNamesIgnoreOnlyTheCaseOfLetters() {
        #expect(sameHeaderName("Content-Type", "content-TYPE"))
        #expect(!sameHeaderName("a-b", "a\u{0D}b"))
        #expect(!sameHeaderName("x@", "x`"))
        #expect(!sameHeaderName("ab", "abc"))
    }

    private func parse(_ target: String) throws -> RequestTarget {
        try RequestTarget(Array(target.utf8).span, queryParametersMax: 9)
    }

    private func status(of target: String) -> Int? {
        do throws(Refusal) {
            _ = try RequestTarget(Array(target.utf8).span, queryParametersMax: 9)
            return nil
        } catch {
            return error.status
        }
    }
}
