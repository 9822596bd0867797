// What a handler gets to see of requests, and what of its answers the client gets.
import Foundation
import Ingress
import TestSupport
import Testing

/// Answers with what the handler saw, one fact a line.
func echo(_ exchange: Exchange) {
    let request = exchange.request
    var lines = ["\(request.method) \(request.target)", "segments \(request.segments)"]
    lines += request.query.map { "query \($0.name)=\($0.value)" }
    lines += request.headers.map { "header \($0.name): \($0.value)" }
    lines.append("body \(request.body.count) \(checksum(request.body))")
    exchange.answer(HTTPResponse(status: 200, body: Array(lines.joined(separator: "\n").utf8)))
}

func checksum(_ bytes: [UInt8]) -> Int { bytes.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF } }

func withServer(
    limits: IngressLimits = IngressLimits(), handler: @escaping @Sendable (Exchange) -> Void = echo,
    _ body: (HTTPServer) throws -> Void
) throws {
    let server = try HTTPServer(port: 0, limits: limits, handler: handler)
    defer { server.stop(graceMilliseconds: 0) }
    try body(server)
}

@Suite struct RequestTests {
    @Test func aPlainRequest() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("GET /books/12?page=1&q=a+b%20c HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\n\r\n")
            let answer = try #require(client.answer())
            #expect(answer.status == 200)
            #expect(
                answer.text == """
                    GET /books/12
                    segments ["books", "12"]
                    query page=1
                    query q=a b c
                    header Host: x
                    header X-A: 1
                    header x-a: 2
                    body 0 0
                    """)
            client.send("GET /again HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(client.answer()?.status == 200)
        }
    }

    @Test func headersByName() {
        let request = HTTPRequest(
            method: "GET", target: "/", segments: [],
            headers: [(name: "Accept", value: "a"), (name: "X", value: "1"), (name: "ACCEPT", value: "b")])
        #expect(request.header("accept") == "a, b")
        #expect(request.header("x") == "1")
        #expect(request.header("y") == nil)
    }

    @Test func blanksAroundAHeadersValueAreNoPartOfIt() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: x \r\nA: \t b c \t \r\nB: \t\r\n\r\n")
            let answer = try #require(client.answer())
            #expect(answer.text.contains("header Host: x\nheader A: b c\nheader B: \n"))
            client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue \r\nContent-Length: 2\r\n\r\nab")
            #expect(client.answer()?.text.contains("body 2 ") == true)
        }
    }

    /// The daemon would not take these lengths as we do.
    @Test(arguments: [("Content-Length: 2 \r\n\r\nab", 400), ("Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n", 501)])
    func aBlankAfterTheLengthOfABody(rest: String, status: Int) throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: x\r\n\(rest)")
            #expect(client.answer()?.status == status)
            #expect(client.isClosed)
        }
    }

    @Test func binaryBody() throws {
        try withServer { server in
            let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
            let client = try Client(port: server.port)
            client.send("PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n")
            client.send(body)
            #expect(client.answer()?.text.hasSuffix("body 100000 \(checksum(body))") == true)
        }
    }

    @Test func chunkedBody() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            client.send("3\r\nabc\r\nA;extension=1\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n")
            let whole = Array("abc0123456789".utf8)
            #expect(client.answer()?.text.hasSuffix("body 13 \(checksum(whole))") == true)
            client.send("GET /again HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(client.answer()?.status == 200)
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        // The first is answered last: order on the wire must not depend on it.
        let server = try HTTPServer(port: 0) { exchange in
            Thread.detachNewThread {
                if exchange.request.target == "/0" { usleep(100_000) }
                echo(exchange)
            }
        }
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        client.send((0..<20).map { "GET /\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
        for number in 0..<20 { #expect(client.answer()?.text.hasPrefix("GET /\(number)\n") == true) }
    }

    @Test func pipelinedBodies() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send(
                String(repeating: "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345", count: 50))
            for _ in 0..<50 { #expect(client.answer()?.text.contains("body 5 ") == true) }
        }
    }

    @Test func headHasLengthButNoBody() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
            let head = try #require(client.answer(toHead: true))
            let get = try #require(client.answer())
            #expect(head.body.isEmpty)
            #expect(head.headers["content-length"] == String(get.body.count + 1))
        }
    }

    @Test(arguments: ["PATCH", "PROPFIND", "BREW", "OPTIONS", "DELETE", "TRACE", "get"])
    func anyMethodReachesTheHandler(method: String) throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("\(method) / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(client.answer()?.text.hasPrefix("\(method) /\n") == true)
        }
    }

    @Test func aLargeAnswer() throws {
        let body = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        let handler: @Sendable (Exchange) -> Void = { exchange in
            Thread.detachNewThread { exchange.answer(HTTPResponse(status: 200, body: body)) }
        }
        try withServer(handler: handler) { server in
            let client = try Client(port: server.port)
            for _ in 0..<2 {
                client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(client.answer()?.body == body)
            }
        }
    }

    @Test func answerHeaders() throws {
        let handler: @Sendable (Exchange) -> Void = { exchange in
            exchange.answer(
                HTTPResponse(
                    status: 201,
                    headers: [
                        (name: "Location", value: "/books/1"), (name: "Content-Length", value: "99"),
                        (name: "Set-Cookie", value: "a=1"), (name: "Bad\r\nName", value: "x"),
                        (name: "X-Split", value: "a\r\nX-Injected: 1"), (name: "connection", value: "close"),
                    ], body: Array("ok".utf8)))
        }
        try withServer(handler: handler) { server in
            let client = try Client(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            let answer = try #require(client.answer())
            #expect(answer.status == 201)
            #expect(answer.headers["location"] == "/books/1")
            #expect(answer.headers["content-length"] == "2")
            #expect(answer.headers["set-cookie"] == "a=1")
            #expect(answer.headers["x-injected"] == nil)
            #expect(answer.headers["connection"] == nil)
            #expect(answer.headers["date"] != nil)
            #expect(answer.text == "ok")
        }
    }

    @Test(arguments: [(204, 204), (304, 304), (0, 500), (100, 500), (99999, 500), (-1, 500), (599, 599)])
    func statuses(given: Int, sent: Int) throws {
        let handler: @Sendable (Exchange) -> Void = { $0.answer(HTTPResponse(status: given)) }
        try withServer(handler: handler) { server in
            let client = try Client(port: server.port)
            for _ in 0..<2 {
                client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(client.answer(toHead: true)?.status == sent)
            }
        }
    }

    @Test func notModifiedTellsTheLengthAndNoMore() throws {
        let handler: @Sendable (Exchange) -> Void = { exchange in
            exchange.answer(
                HTTPResponse(status: 304, headers: [(name: "ETag", value: "\"a\"")], body: Array("abc".utf8)))
        }
        try withServer(handler: handler) { server in
            let client = try Client(port: server.port)
            for _ in 0..<2 {
                client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                let answer = try #require(client.answer(toHead: true))
                #expect(answer.status == 304 && answer.headers["content-length"] == "3")
            }
        }
    }

    @Test func refusedRequestsAreProblems() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            for target in ["/a/../b", "/%00", "/%", "/\u{FF}%FF"] {
                client.send("POST \(target) HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
                let answer = try #require(client.answer())
                #expect(answer.status == 400)
                #expect(answer.headers["content-type"] == "application/problem+json")
                #expect(try JSONSerialization.jsonObject(with: Data(answer.body)) is [String: Any])
            }
            // And the connection goes on.
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(client.answer()?.status == 200)
        }
    }

    @Test func refusalsAreRenderedByTheApplication() throws {
        let server = try HTTPServer(
            port: 0, refuse: { refusal, _ in HTTPResponse(status: refusal.status, body: Array("mine".utf8)) },
            handler: echo)
        defer { server.stop(graceMilliseconds: 0) }
        for request in [
            "GET /.. HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n",
        ] {
            let client = try Client(port: server.port)
            client.send(request)
            #expect(client.answer()?.text == "mine")
        }
    }

    @Test func absoluteForm() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("GET http://shop.example/books/1?x=1 HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            #expect(client.answer()?.text.hasPrefix("GET /books/1\nsegments [\"books\", \"1\"]\nquery x=1") == true)
        }
    }

    @Test func http10ClosesAfterTheAnswer() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("GET / HTTP/1.0\r\n\r\n")
            #expect(client.answer()?.status == 200)
            #expect(client.isClosed)
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n", "GET /a\u{0}b HTTP/1.1\r\nHost: x\r\n\r\n",
    ])
    func malformedButReadable(request: String) throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send(request)
            let answer = client.answer()
            #expect(answer?.status == 400)
            #expect(answer?.headers["content-type"] == "application/problem+json")
        }
    }

    /// What the daemon finds wrong by itself becomes a problem of ours, on a fresh connection and on a used one.
    @Test(arguments: [false, true])
    func malformedByTheDaemonsWord(isUsed: Bool) throws {
        for (request, status) in [
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost x\r\n\r\n", 400), ("GET / HTTP/7.7\r\nHost: x\r\n\r\n", 505),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413),
        ] {
            try withServer { server in
                let client = try Client(port: server.port)
                if isUsed {
                    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(client.answer()?.status == 200)
                }
                client.send(request)
                let answer = try #require(client.answer())
                #expect(answer.status == status)
                #expect(answer.headers["content-type"] == "application/problem+json", "\(request)")
                #expect(client.isClosed, "nothing follows")
                try eventually { server.openConnections == 0 }
            }
        }
    }

    @Test(arguments: [
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/7.7\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "\u{16}\u{03}\u{01}\u{02}\u{00}\u{01}\u{00}\r\n\r\n",
        "GET /a\u{0}b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\r\n\r\n",
    ])
    func malformed(request: String) throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send(request)
            let answer = client.answer()
            // The daemon closes without a word on what it cannot read as HTTP at all.
            #expect([400, 501, 505, nil].contains(answer?.status))
            if let answer {
                #expect(answer.headers["content-type"] == "application/problem+json")
                #expect(
                    try JSONSerialization.jsonObject(with: Data(answer.body)) is [String: Any], "one head, one body")
            }
            let next = try Client(port: server.port)
            next.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(next.answer()?.status == 200)
        }
    }

    @Test func aClientThatClosesItsSideGetsItsAnswer() throws {
        try withServer { server in
            for _ in 0..<50 {
                let client = try Client(port: server.port)
                client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                client.halfClose()
                #expect(client.answer()?.status == 200)
                #expect(client.isClosed)
            }
        }
    }

    /// Whole and broken requests with bytes changed, lost and doubled; the server must survive and still serve.
    @Test func noise() throws {
        let texts = [
            "POST /books/1?a=b&c=%20d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
            "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "GET http://h/%C3%A4/../%2e HTTP/1.0\r\nCookie: a=\"b; c=d\r\nExpect: 100-continue\r\n\r\n",
        ]
        var seed: UInt64 = 42
        func random(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        try withServer { server in
            for round in 0..<2000 {
                var bytes = Array((texts[random(3)] + texts[random(3)]).utf8)
                for _ in 0..<random(6) {
                    let place = random(max(1, bytes.count))
                    guard bytes.count > 1 else { break }
                    switch random(4) {
                    case 0: bytes[place] = UInt8(random(256))
                    case 1: bytes.remove(at: place)
                    case 2: bytes.insert(contentsOf: bytes[place...].prefix(random(40)), at: place)
                    default: bytes = Array(bytes.prefix(place + 1))
                    }
                }
                let client = try Client(port: server.port)
                client.send(bytes)
                if round % 4 == 0 { client.reset() }
            }
            // While the ends of so many connections are still being noticed, one more is refused with 503.
            let client = try eventually { () -> Client? in
                let client = try Client(port: server.port)
                client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return client.answer()?.status == 200 ? client : nil
            }
            try eventually { server.openConnections == 1 }
            client.reset()
        }
    }
}
