// The edge over real sockets: what only the server adds.
import BookstoreContracts
import Contract
import Foundation
import FoundationNetworking
import Platform
import Synchronization
import Testing
import Wire
import Worker

@testable import Gateway

@Suite struct ServerTests {
    @Test("HEAD has the headers of GET and no body; the body's length is told")
    func head() async throws {
        let (bench, server) = try await start()
        let (body, get) = try await Self.fetch("GET", server.port, "/books/1")
        let (none, head) = try await Self.fetch("HEAD", server.port, "/books/1/")
        #expect(get.statusCode == 200 && head.statusCode == 200)
        #expect(none.isEmpty)
        #expect(head.value(forHTTPHeaderField: "Content-Length") == String(body.count))
        for name in ["Content-Type", "ETag", "Vary"] {
            #expect(head.value(forHTTPHeaderField: name) == get.value(forHTTPHeaderField: name))
        }
        #expect(
            try JSON(parsing: Array(body))["_links"]["self"]["href"]
                == .string("http://127.0.0.1:\(server.port)/books/1"))
        server.stop()
        _ = bench
    }

    @Test("What the server refuses by itself is a problem with the client's request id, which its scripts may read")
    func refusals() async throws {
        let (_, server) = try await start(["INGRESS_BODY_BYTES_MAX": "100"])
        let (body, response) = try await Self.fetch(
            "POST", server.port, "/books", ["X-Request-Id": "mine", "Origin": "http://shop.example"],
            body: String(repeating: " ", count: 101))
        #expect(response.statusCode == 413)
        #expect(response.value(forHTTPHeaderField: "Content-Type") == "application/problem+json")
        let problem = try JSON(parsing: Array(body))
        #expect(problem["status"] == 413)
        #expect(problem["requestId"] == "mine" && problem["instance"] == "/books")
        #expect(response.value(forHTTPHeaderField: "X-Request-Id") == "mine")
        #expect(response.value(forHTTPHeaderField: "Access-Control-Allow-Origin") == "http://shop.example")
        #expect(response.value(forHTTPHeaderField: "traceparent")?.count == 55)
        server.stop()
    }

    @Test("A port in use is an error that names the port and the variable")
    func portInUse() async throws {
        let (bench, server) = try await start()
        let error = #expect(throws: PortInUse.self) {
            _ = try EdgeServer(
                bench.edge,
                at: EdgeServer.Place(
                    variable: "GATEWAY_PORT", defaultPort: 8080,
                    settings: Settings(["GATEWAY_PORT": String(server.port)])))
        }
        #expect(error?.description.contains("port \(server.port) of 127.0.0.1 is in use") == true)
        #expect(error?.variable == "GATEWAY_PORT")
        server.stop()
    }

    @Test("A port that is none is found before anything is connected")
    func portThatIsNone() {
        let order = Bookstore.orderService
        #expect(throws: SettingsError.self) { try OwnEdge.check(order, Settings(["ORDER_PORT": "70000"])) }
        #expect(throws: SettingsError.self) { try OwnEdge.check(order, Settings(["EDGE_IN_FLIGHT_MAX": "none"])) }
        #expect(throws: Never.self) { try OwnEdge.check(order, Settings(["ORDER_PORT": "8081"])) }
    }

    @Test("As many lists as requests may be under way, with a call to each shard, are not too many calls")
    func listsFit() {
        #expect(WorkerLimits().callsInFlightMax >= EdgeOptions().inFlightMax * 12)
    }

    @Test("Stopping lets requests under way finish")
    func stopping() async throws {
        let (_, slow, server) = try slowServer(stopMilliseconds: 5000)
        let port = server.port
        let answer = Task { try await Self.fetch("GET", port, "/books/1") }
        try await Self.awaitCall(slow)
        slow.answer(afterMilliseconds: 100)
        server.stop()
        #expect(try await answer.value.1.statusCode == 200)
    }

    @Test(
        "What is still under way in the end is answered and counted once; a write that was sent is left in doubt",
        arguments: [("GET", 503), ("DELETE", 504), ("PUT", 504)])
    func givenUp(method: String, status: Int) async throws {
        let (edge, slow, server) = try slowServer(stopMilliseconds: 0)
        let port = server.port
        let body = method == "PUT" ? #"{"bookName":"a","stock":1}"# : nil
        let answer = Task { try await Self.fetch(method, port, "/books/1", body: body) }
        try await Self.awaitCall(slow)
        server.stop()
        #expect(try await answer.value.1.statusCode == status)
        slow.answer()
        let seen = try #require(edge.router.find(["books", "1"])).traffic.seen.counts
        #expect(seen == [.init(method: method, status: status): 1])
        #expect(edge.requestsInFlight == 0)
    }

    private func slowServer(stopMilliseconds: Int) throws -> (Edge, SlowCaller, EdgeServer) {
        let edge = Edge(
            system: Bookstore.system, services: Bookstore.system.services, instance: "gateway-0",
            options: Bench.options)
        let slow = SlowCaller()
        edge.connect(slow, shards: Shards(count: 1))
        let settings = Settings(["EDGE_STOP_MILLISECONDS": String(stopMilliseconds)])
        let place = try EdgeServer.Place(variable: "GATEWAY_PORT", defaultPort: 0, settings: settings)
        return (edge, slow, try EdgeServer(edge, at: place))
    }

    private static func awaitCall(_ slow: SlowCaller) async throws {
        let deadline = Clock.monotonicMilliseconds() + 10_000
        while !slow.isAsked, Clock.monotonicMilliseconds() < deadline { try await Task.sleep(for: .milliseconds(5)) }
        try #require(slow.isAsked)
    }

    @Test(
        "Variables of ports are named after the service",
        arguments: [("order", "ORDER_PORT"), ("book-shop", "BOOK_SHOP_PORT")])
    func portVariables(service: String, variable: String) { #expect(Settings.portVariable(of: service) == variable) }

    private func start(_ settings: [String: String] = [:]) async throws -> (Bench, EdgeServer) {
        let bench = try await Bench().seeded()
        let server = try EdgeServer(
            bench.edge,
            at: EdgeServer.Place(variable: "GATEWAY_PORT", defaultPort: 0, settings: Settings(settings)))
        return (bench, server)
    }

    private static func fetch(
        _ method: String, _ port: UInt16, _ path: String, _ headers: [String: String] = [:], body: String? = nil
    ) async throws -> (Data, HTTPURLResponse) {
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)\(path)")))
        request.httpMethod = method
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        request.httpBody = body.map { Data($0.utf8) }
        if body != nil { request.setValue("application/json", forHTTPHeaderField: "Content-Type") }
        let (data, response) = try await URLSession.shared.data(for: request)
        return (data, try #require(response as? HTTPURLResponse))
    }
}

/// Answers when it is told to, from a thread of its own.
private final class SlowCaller: ShardCaller {
    private let alarm = Alarm()
    private let waiting = Mutex<[@Sendable (CallResult) -> Void]>([])

    var isAsked: Bool { waiting.withLock { !$0.isEmpty } }

    func send(_ call: Call, then: @escaping @Sendable (CallResult) -> Void) { waiting.withLock { $0.append(then) } }
    func statistics() -> JSONObject { [:] }

    func answer() {
        let reply = Reply(status: 200, contentType: Reply.jsonType, body: Array("{}".utf8))
        for then in waiting.withLock({ $0 }) { then(.answered(reply)) }
    }

    func answer(afterMilliseconds milliseconds: Int64) {
        alarm.after(milliseconds: milliseconds) { [self] in answer() }
    }
}
