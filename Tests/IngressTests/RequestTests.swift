// What a handler gets to see of requests, and what of its answers the client gets.
import Foundation
import Ingress
import Testing

/// Answers with what the handler saw, one fact a line.
func echo(_ exchange: Exchange) {
    let request = exchange.request
    var lines = ["\(request.method) \(request.target)", "segments \(request.segments)"]
    lines += request.query.map { "query \($0.name)=\($0.value)" }
    lines += request.headers.map { "header \($0.name): \($0.value)" }
    lines.append("body \(request.body.count) \(request.body.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF })")
    exchange.answer(HTTPResponse(status: 200, body: Array(lines.joined(separator: "\n").utf8)))
}

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
}
