// What the HTTP server refuses by itself is a request like the others: named, marked, counted and logged.
import BookstoreContracts
import Foundation
import Testing
import Wire

@testable import Gateway
@testable import Ingress

@Suite struct RefusalTests {
    private static let traceID = "0af7651916cd43dd8448eb211c80319c"
    private static let tooLarge = Refusal(status: 413, title: "Content Too Large", detail: "too large")

    private static func head(_ target: String, _ segments: [String]?, id: String = "mine") -> RequestHead {
        var head = RequestHead(remoteAddress: "10.0.0.9")
        head.method = "POST"
        head.target = target
        head.segments = segments
        head.headers = [
            (name: "X-Request-Id", value: id), (name: "Origin", value: "http://shop.example"),
            (name: "traceparent", value: "00-\(traceID)-b7ad6b7169203331-01"),
        ]
        return head
    }

    @Test("It carries the client's request id, its place in the trace and the CORS headers")
    func headers() throws {
        let bench = Bench()
        let answer = Answer(response: bench.edge.refuse(Self.tooLarge, of: Self.head("/books", ["books"])))
        #expect(answer.status == 413 && answer.type == "application/problem+json")
        #expect(answer.header("X-Request-Id") == "mine" && answer.json["requestId"] == "mine")
        #expect(answer.header("traceparent")?.contains(Self.traceID) == true)
        #expect(answer.header("Access-Control-Allow-Origin") == "http://shop.example")
        #expect(answer.header("Access-Control-Allow-Credentials") == "true")
        #expect(answer.header("Vary") == CrossOrigin.vary)
        #expect(answer.json["instance"] == "/books" && answer.json["title"] == "Content Too Large")
    }

    @Test("An id that is none is replaced, and a path that makes no sense is no instance")
    func unreadable() throws {
        let bench = Bench()
        let answer = Answer(response: bench.edge.refuse(Self.tooLarge, of: Self.head("/%zz", nil, id: "two words")))
        let id = try #require(answer.header("X-Request-Id"))
        #expect(id.count == 32 && answer.json["requestId"] == .string(id))
        #expect(answer.json.object?.names == ["type", "title", "status", "detail", "requestId"])
        let busy = Refusal(status: 503, title: "Service Unavailable", detail: "busy", retryAfterSeconds: 7)
        let nothing = Answer(response: bench.edge.refuse(busy, of: RequestHead(remoteAddress: "10.0.0.9")))
        #expect(nothing.header("Retry-After") == "7" && nothing.header("X-Request-Id")?.count == 32)
        #expect(nothing.header("Access-Control-Allow-Origin") == nil)
    }

    @Test("It is counted by its route and method; without a path that makes sense the route is unmatched")
    func metrics() async throws {
        let bench = Bench()
        _ = bench.edge.refuse(Self.tooLarge, of: Self.head("/books", ["books"]))
        _ = bench.edge.refuse(Self.tooLarge, of: Self.head("/%zz", nil))
        let text = try await bench.ask("GET /metrics").text
        #expect(text.contains(#"route="/books",method="POST",status="413"} 1"#))
        #expect(text.contains(#"route="unmatched",method="POST",status="413"} 1"#))
        #expect(bench.edge.requestsInFlight == 0)
    }

    @Test("It has one line in the access log, with the fields of every other")
    func accessLog() throws {
        var options = Bench.options
        options.accessLog = true
        let bench = Bench(options: options)
        let text = try whatIsLogged {
            _ = bench.edge.refuse(Self.tooLarge, of: Self.head("/books", ["books"], id: "refusal-7"))
        }
        let lines = text.split(separator: "\n").filter { $0.contains("refusal-7") }
        #expect(lines.count == 1)
        let line = try JSON(parsing: Array(try #require(lines.first).utf8))
        #expect(line["message"] == "request" && line["method"] == "POST" && line["path"] == "/books")
        #expect(line["route"] == "/books" && line["status"] == 413 && line["client"] == "10.0.0.9")
        #expect(line["requestId"] == "refusal-7" && line["traceId"] == .string(Self.traceID))
    }

    /// What is written to standard error meanwhile.
    private func whatIsLogged(_ body: () -> Void) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)").path
        let file = open(path, O_CREAT | O_WRONLY, 0o600)
        try #require(file >= 0)
        let before = dup(STDERR_FILENO)
        dup2(file, STDERR_FILENO)
        body()
        dup2(before, STDERR_FILENO)
        close(before)
        close(file)
        defer { unlink(path) }
        return try String(contentsOfFile: path, encoding: .utf8)
    }
}
