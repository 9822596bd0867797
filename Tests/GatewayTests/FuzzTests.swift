// Requests nobody would write: the edge always answers once, with a status of its table, and never asks a wrong shard.
import BookstoreContracts
import Contract
import Testing
import Wire

@testable import Gateway
@testable import Ingress

@Suite struct FuzzTests {
    private static let pieces = [
        "books", "orders", "stockInputs", "myPages", "1", "0", "-1", "abc", "search", "profile", "%20", "😀", "{bookId}",
        "health", "live", "metrics", "9223372036854775807", "9223372036854775808", "selectDeliveryInfo", "docs", "..x",
    ]
    private static let headers = [
        "Accept", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Prefer", "Origin", "X-Request-Id",
        "traceparent", "Access-Control-Request-Method", "X-Forwarded-Host", "Content-Encoding", "Host",
    ]
    private static let values = [
        "", "*", "*/*", "application/json", ";", ",", ",,;q=", "a/b;q=nan", "\"", "W/\"", "wait=",
        "wait=99999999999999999999",
        "wait=0", "00-", "http://a", "text/html;q=0.1,*/*;q=0.01", "application/*;q=inf", "k", "\u{1}", "é",
    ]
    private static let bodies = [
        "", "{", "{}", "[]", "null", #"{"bookName":"a","stock":1}"#, #"{"bookId":1,"customerId":1,"quantity":1}"#,
        #"{"stock":1e400}"#, #"{"stock":1e99}"#, #"{"bookName":"\ud800"}"#, String(repeating: "[", count: 500), "\u{0}",
    ]
    private static let allowed: Set<Int> = [
        200, 201, 204, 304, 400, 403, 404, 405, 406, 409, 411, 412, 413, 415, 422, 429, 503, 504,
    ]

    @Test("Every request is answered sensibly", arguments: 1...20)
    func requests(seed: UInt64) async throws {
        var random = Seeded(seed)
        var options = Bench.options
        options.waitMilliseconds = 1
        options.deadlineMilliseconds = 100
        let bench = try await Bench(shards: 5, options: options).seeded()
        let methods = ["GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW", ""]
        for _ in 0..<100 {
            let segments = (0..<Int.random(in: 0...4, using: &random)).map { _ in pick(Self.pieces, &random) }
            let query = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                (
                    name: pick(["page", "size", "sort", "after", "customerId", "deliveryId", "x"], &random),
                    value: pick(Self.pieces + Self.values, &random)
                )
            }
            let headers = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                (name: pick(Self.headers, &random), value: pick(Self.values, &random))
            }
            let request = HTTPRequest(
                method: pick(methods, &random), target: "/" + segments.joined(separator: "/"), segments: segments,
                query: query, rawQuery: "x", headers: headers, body: Array(pick(Self.bodies, &random).utf8))
            let response = await withCheckedContinuation { continuation in
                bench.edge.handle(request) { continuation.resume(returning: $0) }
            }
            #expect(Self.allowed.contains(response.status), "seed \(seed): \(response.status) for \(request)")
            if response.status >= 400, response.status != 503 {
                let problem = try JSON(parsing: response.body)
                #expect(problem["status"] == .integer(Int64(response.status)), "seed \(seed)")
            }
            for header in response.headers {
                #expect(!header.value.utf8.contains { $0 < 0x20 }, "seed \(seed): \(header)")
            }
        }
    }

    private func pick<Value>(_ values: [Value], _ random: inout Seeded) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }
}
