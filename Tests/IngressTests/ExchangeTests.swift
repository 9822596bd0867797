// Answers that come late, twice, never, or for nobody; and servers that stop in between.
import Foundation
import Ingress
import Synchronization
import TestSupport
import Testing

/// Keeps exchanges until a test answers them.
private final class Waiting: Sendable {
    private let list = Mutex<[Exchange]>([])
    var all: [Exchange] { list.withLock { $0 } }
    func add(_ exchange: Exchange) { list.withLock { $0.append(exchange) } }
    func taken() -> [Exchange] {
        list.withLock { list in
            defer { list = [] }
            return list
        }
    }
}

private let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

private func ok(_ text: String = "ok") -> HTTPResponse { HTTPResponse(status: 200, body: Array(text.utf8)) }

@Suite struct ExchangeTests {
    private let waiting = Waiting()

    private func server(limits: IngressLimits = IngressLimits()) throws -> HTTPServer {
        try HTTPServer(port: 0, limits: limits) { [waiting] in waiting.add($0) }
    }

    private func next(_ count: Int = 1) throws -> [Exchange] {
        try eventually { waiting.all.count == count }
        return waiting.taken()
    }

    @Test func answeredLaterFromAnotherThread() throws {
        let server = try server()
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        for _ in 0..<3 {
            client.send(get)
            let exchange = try next()[0]
            #expect(exchange.isOpen)
            exchange.answer(ok("first"))
            exchange.answer(ok("second"))
            #expect(client.answer()?.text == "first")
            #expect(!exchange.isOpen)
        }
    }

    @Test func theFirstOfManyAnswersCounts() throws {
        let server = try server()
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        for _ in 0..<200 {
            client.send(get)
            let exchange = try eventually { waiting.taken().first }
            DispatchQueue.concurrentPerform(iterations: 4) { exchange.answer(ok("\($0)")) }
            #expect(client.answer()?.body.count == 1)
        }
    }

    /// The answer comes while the handler returns and the connection is being suspended.
    @Test func answersThatRaceWithTheHandler() throws {
        let server = try HTTPServer(port: 0) { exchange in
            DispatchQueue.global().async { exchange.answer(ok()) }
        }
        defer { server.stop(graceMilliseconds: 0) }
        let clients = try (0..<8).map { _ in try Client(port: server.port) }
        for _ in 0..<300 {
            for client in clients { client.send(get) }
            for client in clients { #expect(client.answer()?.status == 200) }
        }
    }

    @Test func theClientLeavesBeforeTheAnswer() throws {
        let server = try server()
        defer { server.stop(graceMilliseconds: 0) }
        for _ in 0..<20 { try Client(port: server.port).send(get) }
        let exchanges = try next(20)
        for exchange in exchanges {
            try eventually { !exchange.isOpen }
            exchange.answer(ok())
        }
        try eventually { server.openConnections == 0 }
        for exchange in exchanges { exchange.answer(ok()) }
    }

    @Test func theClientResetsBeforeTheAnswer() throws {
        let server = try server()
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        client.send(get + get)
        let exchange = try next()[0]
        client.reset()
        try eventually { !exchange.isOpen }
        exchange.answer(HTTPResponse(status: 200, body: [UInt8](repeating: 0, count: 8 << 20)))
        try eventually { server.openConnections == 0 }
    }

    @Test func theClientLeavesWhileTheAnswerIsSent() throws {
        let server = try server()
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        client.send(get)
        try next()[0].answer(HTTPResponse(status: 200, body: [UInt8](repeating: 0, count: 32 << 20)))
        #expect(client.receive(atMost: 1000).count == 1000)
        client.reset()
        try eventually { server.openConnections == 0 }
    }

    @Test func stopAnswersWhatStillWaits() throws {
        let server = try server()
        let clients = try (0..<20).map { _ in try Client(port: server.port) }
        for client in clients { client.send(get) }
        let exchanges = try next(20)
        server.stop(graceMilliseconds: 0)
        for client in clients {
            let answer = try #require(client.answer())
            #expect(answer.status == 503)
            #expect(answer.headers["connection"]?.lowercased() == "close")
            #expect(client.isClosed)
        }
        for exchange in exchanges {
            #expect(!exchange.isOpen)
            exchange.answer(ok())
        }
        #expect(server.openConnections == 0)
        server.stop(graceMilliseconds: 0)
    }

    @Test func stopWaitsForAnswersUnderWay() throws {
        let server = try server()
        let client = try Client(port: server.port)
        client.send(get)
        let exchange = try next()[0]
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(100)) { exchange.answer(ok()) }
        let began = ContinuousClock.now
        server.stop(graceMilliseconds: 20_000)
        #expect(ContinuousClock.now - began < .seconds(15))
        #expect(client.answer()?.status == 200)
        #expect(client.isClosed)
    }

    @Test func quiescingServesWhoIsThereAndNobodyElse() throws {
        let server = try server()
        defer { server.stop(graceMilliseconds: 0) }
        let client = try Client(port: server.port)
        client.send(get)
        try next()[0].answer(ok())
        #expect(client.answer()?.status == 200)
        server.quiesce()
        try eventually("a refused connection") { (try? Client(port: server.port)) == nil }
        client.send(get)
        try next()[0].answer(ok())
        #expect(client.answer()?.headers["connection"]?.lowercased() == "close")
        #expect(client.isClosed)
    }

    /// Requests, answers and disconnects at any moment of a stop.
    @Test func stoppingUnderLoad() throws {
        for round in 0..<15 {
            let server = try HTTPServer(port: 0) { exchange in
                switch exchange.request.target {
                case "/now": exchange.answer(ok())
                case "/soon": DispatchQueue.global().async { exchange.answer(ok()) }
                default: break
                }
            }
            let port = server.port
            let group = DispatchGroup()
            for number in 0..<6 {
                DispatchQueue.global().async(group: group) {
                    while let client = try? Client(port: port) {
                        for target in ["/now", "/soon", number % 3 == 0 ? "/never" : "/soon"] {
                            guard client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n") else { break }
                            if number % 2 == 0, target == "/never" { break }
                            guard client.answer() != nil else { break }
                        }
                    }
                }
            }
            try eventually { server.openConnections > 3 }
            usleep(UInt32(round * 3000))
            server.stop(graceMilliseconds: round % 3 * 10)
            group.wait()
            #expect(server.openConnections == 0)
        }
    }

    @Test func fiveHundredConnections() throws {
        let server = try server()
        defer { server.stop(graceMilliseconds: 0) }
        let clients = try (0..<500).map { _ in try Client(port: server.port) }
        for client in clients { client.send(get) }
        let exchanges = try next(500)
        #expect(server.openConnections == 500)
        for exchange in exchanges.shuffled() { exchange.answer(ok()) }
        for client in clients { #expect(client.answer()?.status == 200) }
        for client in clients { client.halfClose() }
        try eventually { server.openConnections == 0 }
    }

    @Test func aServerThatIsForgottenStops() throws {
        var server: HTTPServer? = try server()
        let port = try #require(server?.port)
        let client = try Client(port: port)
        client.send(get)
        _ = try next()
        server = nil
        #expect(client.answer()?.status == 503)
        #expect(throws: (any Error).self) { try Client(port: port) }
    }
}
