// What the application is told of requests that never reach its handler.
import Foundation
import Ingress
import Synchronization
import TestSupport
import Testing

private struct Told: Sendable {
    let refusal: Refusal
    let head: RequestHead
    var id: String? { head.headers.first { $0.name == "X-Request-Id" }?.value }
}

/// Remembers every refusal.
private final class Ear: Sendable {
    private let list = Mutex<[Told]>([])
    var all: [Told] { list.withLock { $0 } }
    func hear(_ refusal: Refusal, _ head: RequestHead) -> HTTPResponse {
        list.withLock { $0.append(Told(refusal: refusal, head: head)) }
        return refusal.problem
    }
}

@Suite struct RefusalTests {
    private let ear = Ear()

    private func server(_ change: (inout IngressLimits) -> Void = { _ in }) throws -> HTTPServer {
        var limits = IngressLimits()
        change(&limits)
        return try HTTPServer(
            port: 0, limits: limits, refuse: { [ear] in ear.hear($0, $1) }, handler: { echo($0) })
    }

    private func onlyOne() throws -> Told {
        let all = ear.all
        try #require(all.count == 1)
        return all[0]
    }

    @Test(arguments: [
        ("POST /books/7?name=a", "Content-Length: 1048577\r\n\r\n", 413),
        ("POST /books/7", "Content-Length: 1048577\r\nExpect: 100-continue\r\n\r\n", 413),
        ("POST /books/7", "Transfer-Encoding: gzip\r\n\r\n", 501),
        ("POST /books/7", "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("POST /books/7", "A: \(String(repeating: "a", count: 17_000))\r\n\r\n", 431),
        ("POST /books/7", "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
    ])
    func afterTheWholeHead(line: String, rest: String, status: Int) throws {
        let server = try server()
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        client.send("\(line) HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\n\(rest)")
        #expect(client.answer()?.status == status)
        let told = try onlyOne()
        #expect(told.refusal.status == status)
        #expect(told.head.method == "POST" && told.head.target == "/books/7")
        #expect(told.head.segments == ["books", "7"] && told.id == "mine")
        #expect(told.head.remoteAddress == "127.0.0.1")
    }

    @Test(arguments: [
        ("/a/%zz?name=b", "/a/%zz"), ("/a%2Fb", "/a%2Fb"), ("/a/../b", "/a/../b"), ("/a\u{1B}b", "/a\u{FFFD}b"),
        ("/%" + String(repeating: "a", count: 300), "/%" + String(repeating: "a", count: 198)),
    ])
    func aTargetThatMakesNoSense(target: String, shown: String) throws {
        let server = try server()
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        client.send("GET \(target) HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\n\r\n")
        #expect(client.answer()?.status == 400)
        let told = try onlyOne()
        #expect(told.head.method == "GET" && told.head.target == shown)
        #expect(told.head.segments == nil && told.id == "mine")
    }

    /// The daemon does not tell the method of what it refuses before the end of the head, and knows a header only when
    /// the next line has come.
    @Test(arguments: [
        ("/a", "Content-Length: x\r\n\r\n", 400), ("/a", "no colon\r\n\r\n", 400),
        ("/a", "Content-Length: 99999999999999999999999\r\n\r\n", 413),
        ("/a", "A: \(String(repeating: "a", count: 100_000))", 431),
    ])
    func byTheDaemonsWord(target: String, rest: String, status: Int) throws {
        let server = try server()
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        client.send("POST \(target) HTTP/1.1\r\nX-Request-Id: mine\r\nHost: x\r\n\(rest)")
        #expect(client.answer()?.status == status)
        let told = try onlyOne()
        #expect(told.head.method.isEmpty && told.head.segments == ["a"] && told.id == "mine")
    }

    @Test(arguments: [
        ("POST /a HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nContent-Length: 9\r\n\r\n", "POST", ["a"], "mine"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\n", "", ["a"], nil), ("POST /a", "", nil, nil),
    ])
    func tooSlow(sent: String, method: String, segments: [String]?, id: String?) throws {
        let server = try server { $0.requestTimeoutSeconds = 1 }
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        client.send(sent)
        #expect(client.answer()?.status == 408)
        let told = try onlyOne()
        #expect(told.head.method == method && told.head.segments == segments && told.id == id)
    }

    @Test func whatWasReadOfAnEarlierRequestIsForgotten() throws {
        let server = try server()
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        client.send("GET /first HTTP/1.1\r\nHost: x\r\nX-Request-Id: first\r\n\r\n")
        #expect(client.answer()?.status == 200)
        client.send("GET /?\(String(repeating: "&", count: 200)) HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(client.answer()?.status == 414)
        let told = try onlyOne()
        #expect(told.head.method.isEmpty && told.head.target == "/" && told.id == nil)
    }

    @Test func aConnectionTooMany() throws {
        let server = try server { $0.connectionsMax = 1 }
        defer { server.stop(graceMilliseconds: 0) }
        let first = try Client(port: server.port)
        try eventually { server.openConnections == 1 }
        let second = try Client(port: server.port)
        #expect(second.answer()?.status == 503)
        let told = try onlyOne()
        #expect(told.head.target.isEmpty && told.head.segments == nil && told.head.remoteAddress == "127.0.0.1")
        first.reset()
    }
}
