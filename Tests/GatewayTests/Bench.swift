// An edge with shards in memory behind it, asked the way a client asks.
import BookstoreContracts
import Contract
import Wire
import Worker

@testable import Gateway
@testable import Ingress

struct Bench {
    let edge: Edge
    let shards: FakeShards

    init(
        shards count: Int32 = 4, options: EdgeOptions = Bench.options, local: [LocalRoute] = [], connected: Bool = true
    ) {
        let system = Bookstore.system
        shards = FakeShards(system, shards: count)
        edge = Edge(system: system, services: system.services, instance: "gateway-0", options: options, local: local)
        if connected { edge.connect(shards, shards: Shards(count: count)) }
    }

    static var options: EdgeOptions {
        var options = EdgeOptions()
        options.accessLog = false
        return options
    }

    /// `ask("GET /books?page=1", ["Accept: text/html"], body)`
    func ask(_ line: String, _ headers: [String] = [], _ body: String = "", from address: String = "10.0.0.1")
        async
        throws -> Answer
    {
        let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
        let bytes = Array(parts[1].utf8)
        let target = try RequestTarget(bytes.span, queryParametersMax: 256)
        var pairs = headers.map { header in
            let colon = header.firstIndex(of: ":") ?? header.endIndex
            return (name: String(header[..<colon]), value: String(header[colon...].dropFirst(2)))
        }
        if !pairs.contains(where: { $0.name == "Host" }) { pairs.append((name: "Host", value: "H")) }
        let request = HTTPRequest(
            method: parts[0], target: target.path, segments: target.segments, query: target.query,
            rawQuery: target.rawQuery, headers: pairs, body: Array(body.utf8), remoteAddress: address)
        return await withCheckedContinuation { continuation in
            edge.handle(request) { continuation.resume(returning: Answer(response: $0)) }
        }
    }

    /// The seeds' own two customers and two books, and an order of each customer.
    func seeded() async throws -> Bench {
        let rows = [
            ("customers", #"{"customerName":"hong gil dong"}"#), ("customers", #"{"customerName":"bak na re"}"#),
            ("books", #"{"bookName":"alice in a wonderland","stock":"100"}"#),
            ("books", #"{"bookName":"quobadis?","stock":"50"}"#),
            ("orders", #"{"bookId":"1","customerId":"1","deliveryAddress":"bundang gu","quantity":"50"}"#),
            ("orders", #"{"bookId":"1","customerId":"2","deliveryAddress":"incheon si","quantity":"100"}"#),
        ]
        for (name, body) in rows { _ = try await ask("POST /\(name)", [], body) }
        return self
    }
}

struct Answer: Sendable {
    let response: HTTPResponse
    var status: Int { response.status }
    var text: String { String(decoding: response.body, as: UTF8.self) }
    var json: JSON { (try? JSON(parsing: response.body)) ?? .null }
    var type: String? { header("Content-Type") }
    func header(_ name: String) -> String? { response.headers.first { $0.name == name }?.value }
}
