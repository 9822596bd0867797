// Every limit from both of its sides, with raw bytes.
import Foundation
import Ingress
import TestSupport
import Testing

private func limits(_ change: (inout IngressLimits) -> Void) -> IngressLimits {
    var limits = IngressLimits()
    change(&limits)
    return limits
}

@Suite struct LimitTests {
    @Test func bodyUpToTheLimit() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            let body = [UInt8](repeating: 7, count: 1 << 20)
            client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n")
            client.send(body)
            #expect(client.answer()?.text.contains("body 1048576 ") == true)
        }
    }

    @Test func declaredBodyBeyondTheLimit() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")
            let answer = try #require(client.answer())
            #expect(answer.status == 413)
            #expect(answer.headers["content-type"] == "application/problem+json")
            #expect(answer.text.contains("1048576 bytes"))
            #expect(client.isClosed)
        }
    }

    /// A client that only reads when it has written everything must still get its answer.
    @Test func bodyBeyondTheLimitFromAClientThatDoesNotListen() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n\r\n")
            client.send([UInt8](repeating: 7, count: 8 << 20))
            #expect(client.answer()?.status == 413)
        }
    }

    @Test func chunkedBodyBeyondTheLimit() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<20 {
                client.send("10000\r\n")
                client.send([UInt8](repeating: 7, count: 1 << 16) + Array("\r\n".utf8))
            }
            client.send("0\r\n\r\n")
            #expect(client.answer()?.status == 413)
        }
    }

    @Test(arguments: ["99999999999999999999999", "18446744073709551615", "9223372036854775807"])
    func absurdLengths(length: String) throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(length)\r\n\r\n")
            #expect(client.answer()?.status == 413)
        }
    }

    @Test func expectContinueIsRefusedBeforeTheBody() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n\r\n")
            #expect(client.answer()?.status == 413)
            #expect(client.isClosed)
        }
    }

    @Test func expectContinueIsGranted() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            #expect(client.answer()?.status == 100)
            client.send("hi")
            #expect(client.answer()?.text.contains("body 2 ") == true)
        }
    }

    @Test(arguments: ["something", "100-continue, something"])
    func anotherExpectationIsNotMet(expectation: String) throws {
        try withServer { server in
            for length in [0, 2] {
                let client = try Client(port: server.port)
                client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: \(expectation)\r\nContent-Length: \(length)\r\n\r\n")
                #expect(client.answer()?.status == 417)
            }
        }
    }

    @Test func headersBeyondTheLimit() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 16 << 10))\r\n\r\n")
            let answer = try #require(client.answer())
            #expect(answer.status == 431)
            #expect(answer.headers["content-type"] == "application/problem+json")
            client.send("GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(client.answer()?.status == 200)
        }
    }

    /// Beyond its memory for a connection the daemon answers for itself; only the status is ours to expect.
    @Test(arguments: [100 << 10, 10 << 20])
    func headersWithoutEnd(count: Int) throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: x\r\nA: ")
            client.send([UInt8](repeating: 0x61, count: count))
            #expect([431, nil].contains(client.answer()?.status))
            #expect(client.isClosed)
        }
    }

    @Test func manySmallHeaders() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            let some = (0..<100).map { "a\($0): \($0)\r\n" }.joined()
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\(some)\r\n")
            #expect(client.answer()?.text.contains("header a99: 99") == true)
            client.send("GET / HTTP/1.1\r\nHost: x\r\n" + String(repeating: "a:b\r\n", count: 3000) + "\r\n")
            #expect(client.answer()?.status == 431)
        }
    }

    @Test func queryWithTooManyParameters() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            let query = Array(repeating: "a", count: 129).joined(separator: "&")
            client.send("GET /%zz?\(query) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(client.answer()?.status == 414)
            let other = try Client(port: server.port)
            other.send("GET /?\(query.dropLast(2)) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(other.answer()?.status == 200)
        }
    }

    @Test func aLongTarget() throws {
        try withServer { server in
            let client = try Client(port: server.port)
            client.send("GET /\(String(repeating: "a", count: 10_000)) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(client.answer()?.status == 200)
            client.send("GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(client.answer()?.status == 414)
            #expect(client.isClosed)
            let other = try Client(port: server.port)
            other.send("GET /\(String(repeating: "a", count: 200_000)) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect([414, nil].contains(other.answer()?.status))
        }
    }

    @Test func aRefusedClientThatGoesOn() throws {
        try withServer(limits: limits { $0.lingerSeconds = 1 }) { server in
            let client = try Client(port: server.port)
            client.send("GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\n")
            #expect(client.answer()?.status == 414)
            let trickle = Thread { while client.send("a") { usleep(50_000) } }
            trickle.start()
            try eventually { server.openConnections == 0 && trickle.isFinished }
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: x\r\nA: ", "GET /", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n",
    ])
    func aByteNowAndThen(start: String) throws {
        try withServer(limits: limits { $0.requestTimeoutSeconds = 1 }) { server in
            let client = try Client(port: server.port)
            let began = ContinuousClock.now
            client.send(start)
            let trickle = Thread { while client.send("a") { usleep(50_000) } }
            trickle.start()
            let answer = try #require(client.answer())
            #expect(answer.status == 408)
            #expect(answer.headers["content-type"] == "application/problem+json")
            #expect(client.isClosed)
            #expect(ContinuousClock.now - began < .seconds(5))
            try eventually { server.openConnections == 0 && trickle.isFinished }
        }
    }

    @Test func aClientThatSaysNothing() throws {
        try withServer(limits: limits { $0.requestTimeoutSeconds = 1 }) { server in
            let client = try Client(port: server.port)
            #expect(client.answer()?.status == 408)
            #expect(client.isClosed)
        }
    }

    @Test func anIdleConnectionEndsWithoutAWord() throws {
        try withServer(limits: limits { $0.idleTimeoutSeconds = 1 }) { server in
            let client = try Client(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(client.answer()?.status == 200)
            #expect(client.isClosed)
            try eventually { server.openConnections == 0 }
        }
    }

    @Test func aSecondRequestThatDoesNotComeToItsEnd() throws {
        try withServer(limits: limits { $0.idleTimeoutSeconds = 1 }) { server in
            // Bytes that come before the server has noticed that its answer is sent do not count, so not at once.
            try eventually("a 408") {
                let client = try Client(port: server.port)
                client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(client.answer()?.status == 200)
                usleep(100_000)
                client.send("GET /unfini")
                return client.answer()?.status == 408
            }
        }
    }

    @Test func aClientThatDoesNotRead() throws {
        let answer = HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: 64 << 20))
        let handler: @Sendable (Exchange) -> Void = { $0.answer(answer) }
        try withServer(limits: limits { $0.sendTimeoutSeconds = 1 }, handler: handler) { server in
            let client = try Client(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try eventually { server.openConnections == 1 }
            try eventually { server.openConnections == 0 }
            #expect(client.receive().count < 64 << 20)
        }
    }

    @Test func tooManyConnections() throws {
        try withServer(limits: limits { $0.connectionsMax = 3 }) { server in
            var clients = try (0..<3).map { _ in try Client(port: server.port) }
            try eventually { server.openConnections == 3 }
            let refused = try Client(port: server.port)
            refused.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            let answer = try #require(refused.answer())
            #expect(answer.status == 503)
            #expect(answer.headers["retry-after"] == "1")
            clients.removeLast()
            try eventually { server.openConnections == 2 }
            let admitted = try Client(port: server.port)
            admitted.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(admitted.answer()?.status == 200)
        }
    }

    @Test func tooManyConnectionsOfOneAddress() throws {
        try withServer(limits: limits { $0.connectionsPerAddressMax = 2 }) { server in
            let clients = try (0..<2).map { _ in try Client(port: server.port) }
            try eventually { server.openConnections == 2 }
            #expect(try Client(port: server.port).answer()?.text.contains("address") == true)
            clients[0].send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(clients[0].answer()?.status == 200)
        }
    }
}
