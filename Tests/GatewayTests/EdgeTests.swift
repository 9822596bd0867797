// What the edge adds to the original: versions, keys, waiting, limits, identities, links behind proxies.
import BookstoreContracts
import Contract
import Synchronization
import Testing
import Wire
import Worker

@testable import Gateway
@testable import Ingress

@Suite struct EdgeTests {
    @Test("An item has a version; a client that has it gets 304, one that has another may not change it")
    func versions() async throws {
        let bench = try await Bench().seeded()
        let tag = try #require(try await bench.ask("GET /books/1").header("ETag"))
        #expect(tag.count == 18)
        let known = try await bench.ask("GET /books/1", ["If-None-Match: \"x\", W/\(tag)"])
        #expect(known.status == 304)
        #expect(known.text == (try await bench.ask("GET /books/1").text), "for its length; the server sends none of it")
        #expect(known.header("ETag") == tag)
        #expect(known.type == nil)
        #expect(try await bench.ask("GET /books/1", ["If-None-Match: *"]).status == 304)
        #expect(try await bench.ask("GET /books/1", ["If-None-Match: \"0\""]).status == 200)
        let changed = try await bench.ask("PATCH /books/1", ["If-Match: \(tag)"], #"{"stock":7}"#)
        #expect(changed.status == 200)
        #expect(changed.header("ETag") != tag)
        #expect(try await bench.ask("PATCH /books/1", ["If-Match: \(tag)"], #"{"stock":8}"#).status == 412)
        #expect(try await bench.ask("DELETE /books/1", ["If-Match: \(tag)"]).status == 412)
        #expect(try await bench.ask("DELETE /books/1", ["If-Match: *"]).status == 204)
    }

    @Test("A write of an item that must not be there is never done")
    func writesOfNothing() async throws {
        let bench = try await Bench().seeded()
        let book = #"{"bookName":"other","stock":1}"#
        for (line, body) in [("PUT /books/1", book), ("PATCH /books/1", book), ("DELETE /books/1", "")] {
            let refused = try await bench.ask(line, ["If-None-Match: *"], body)
            #expect(refused.status == 412, "\(line)")
            #expect(refused.json["detail"] == "book 1 is there, which 'If-None-Match: *' rules out")
            #expect(try await bench.ask(line, ["If-None-Match: \"0\""], body).status == 400)
        }
        #expect(try await bench.ask("PUT /books/99", ["If-None-Match: *"], book).status == 404)
        #expect(try await bench.ask("PUT /books/1", ["If-None-Match: *"], "{}").status == 400)
        #expect(try await bench.ask("GET /books/1").json["bookName"] == "alice in a wonderland")
        bench.shards.refuse(Problem(504, "no answer"))
        #expect(try await bench.ask("PUT /books/1", ["If-None-Match: *"], book).status == 504)
    }

    @Test("A key sends a write to the same shard every time, and only good keys are taken")
    func keys() async throws {
        let bench = Bench(shards: 12)
        let body = #"{"customerName":"a"}"#
        let first = try await bench.ask("POST /customers", ["Idempotency-Key: k-1"], body)
        let again = try await bench.ask("POST /customers", ["Idempotency-Key: k-1"], body)
        #expect(first.status == 201)
        #expect(first.text == again.text)
        #expect(Set(bench.shards.calls.map(\.shard)).count == 1)
        #expect(bench.shards.calls.allSatisfy { $0.key == "k-1" })
        for bad in ["", "two words", "ü", String(repeating: "k", count: 201)] {
            #expect(try await bench.ask("POST /customers", ["Idempotency-Key: \(bad)"], body).status == 400)
        }
        #expect(try await bench.ask("DELETE /customers/1", ["Idempotency-Key: k-2"]).status == 404)
        #expect(bench.shards.calls.last?.key == "k-2")
    }

    @Test("Whatever shard a request leads to, its key is claimed first, at the one that keeps it")
    func claims() async throws {
        let bench = Bench(shards: 12)
        let key = "Idempotency-Key: k-1"
        let first = try await bench.ask("POST /stockInputs", [key], #"{"bookId":5,"quantity":1}"#)
        #expect(first.status == 200)
        let (claim, write) = (bench.shards.calls[0], bench.shards.calls[1])
        #expect(claim.shard == Shards(count: 12).owner(ofText: "k-1") && claim.claims != nil && claim.body.isEmpty)
        #expect(write.shard == 4 && write.claims == nil && write.deadlineMilliseconds <= claim.deadlineMilliseconds)
        let again = try await bench.ask("POST /stockInputs", [key], #"{"bookId":5,"quantity":1}"#)
        #expect(again.text == first.text)
        for (line, body) in [
            ("POST /stockInputs", #"{"bookId":6,"quantity":1}"#), ("POST /stockInputs", #"{"bookId":5,"quantity":2}"#),
            ("PATCH /books/3", #"{"stock":1}"#), ("DELETE /books/5", ""),
        ] {
            let count = bench.shards.calls.count
            let refused = try await bench.ask(line, [key], body)
            #expect(refused.status == 422 && refused.type == "application/problem+json", "\(line) \(body)")
            #expect(bench.shards.calls.count == count + 1)
        }
    }

    @Test("New items go round the shards from the first on; refused ones take no turn")
    func roundRobin() async throws {
        let bench = Bench(shards: 3)
        for place in 0..<5 {
            #expect(try await bench.ask("POST /customers", [], "{}").status == 400)
            let made = try await bench.ask("POST /customers", [], #"{"customerName":"a"}"#)
            #expect(made.json["customerId"] == .integer(Int64(place + 1)))
        }
        #expect(try await bench.ask("POST /stockInputs", [], #"{"bookId":5,"quantity":1}"#).status == 200)
        #expect(bench.shards.calls.last?.shard == 1)
    }

    @Test("What goes to the shard is typed and holds the contract's fields alone")
    func typedBodies() async throws {
        let bench = Bench()
        _ = try await bench.ask("POST /books", [], #"{"stock":" 5 ","x":1,"bookName":7,"bookId":9}"#)
        #expect(
            bench.shards.calls.last.map { String(decoding: $0.body, as: UTF8.self) } == #"{"bookName":"7","stock":5}"#)
        let huge = String(repeating: "9", count: 5000)
        #expect(try await bench.ask("POST /books", [], #"{"bookName":"a","stock":1,"x":\#(huge)}"#).status == 201)
        let refused = try await bench.ask("POST /books", [], #"{"bookName":"a","stock":\#(huge)}"#)
        #expect(refused.status == 400)
        #expect(refused.json["detail"].string?.hasPrefix("field 'stock' is a number of more than 53 bits") == true)
        _ = try await bench.ask("PATCH /books/1", [], #"{"stock":"6"}"#)
        #expect(bench.shards.calls.last.map { String(decoding: $0.body, as: UTF8.self) } == #"{"stock":6}"#)
    }

    @Test("A view is waited for until the row is there")
    func waits() async throws {
        let bench = Bench()
        let row: JSONObject = ["orderId": 3, "customerId": 1]
        let appears = Task {
            while bench.shards.calls.count < 3 { await Task.yield() }
            bench.shards.put(Bookstore.myPages, row)
        }
        let item = try await bench.ask("GET /myPages/3", ["Prefer: wait=5"])
        await appears.value
        #expect(item.status == 200)
        #expect(item.header("Preference-Applied") == "wait=5")
        let list = try await bench.ask("GET /myPages?after=3")
        #expect(list.json["page"]["totalElements"] == 1)
        #expect(list.header("Preference-Applied") == nil)
        #expect(
            try await bench.ask("GET /myPages?after=3", ["Prefer: wait=5"]).header("Preference-Applied") == "wait=5")
        #expect(try await bench.ask("GET /myPages/3?after=3").status == 200)
    }

    @Test("A wait ends")
    func waitsEnd() async throws {
        var options = Bench.options
        options.waitMilliseconds = 30
        let bench = Bench(options: options)
        let item = try await bench.ask("GET /myPages/3?after=3")
        #expect(item.status == 404)
        let list = try await bench.ask("GET /myPages?after=3")
        #expect(list.status == 404)
        #expect(list.json["detail"] == "myPage 3 did not appear within 30 ms")
        for line in ["GET /myPages/3", "GET /myPages?after=3", "GET /myPages/4?after=3"] {
            let answer = try await bench.ask(line, ["Prefer: wait=0"])
            #expect(answer.status == 404 && answer.header("Preference-Applied") == "wait=0", "\(line)")
        }
        #expect(try await bench.ask("GET /myPages?after=x").status == 400)
        #expect(try await bench.ask("GET /myPages/4", ["Prefer: respond-async"]).status == 404)
    }

    @Test("Requests have an id and a place in a trace, the client's where it has one")
    func identities() async throws {
        let bench = try await Bench().seeded()
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let answer = try await bench.ask("GET /books/1", ["X-Request-Id: abc", "traceparent: \(trace)"])
        #expect(answer.header("X-Request-Id") == "abc")
        let header = try #require(answer.header("traceparent"))
        #expect(header.hasPrefix("00-0af7651916cd43dd8448eb211c80319c-"))
        #expect(header != trace)
        #expect(bench.shards.calls.last?.trace.header == header)
        for bad in ["", "two words", String(repeating: "x", count: 129)] {
            let id = try #require(try await bench.ask("GET /books/1", ["X-Request-Id: \(bad)"]).header("X-Request-Id"))
            #expect(id.count == 32)
        }
    }

    @Test("Until it is connected an edge lives and is not ready")
    func starting() async throws {
        var options = Bench.options
        options.deadlineMilliseconds = 100
        let bench = Bench(options: options, connected: false)
        #expect(try await bench.ask("GET /health/live").status == 200)
        let ready = try await bench.ask("GET /health/ready")
        #expect(ready.status == 503)
        #expect(ready.header("Retry-After") == "1")
        let books = try await bench.ask("GET /books")
        #expect(books.status == 503)
        #expect(books.header("Retry-After") == "1")
        bench.edge.connect(bench.shards, shards: Shards(count: 4))
        #expect(try await bench.ask("GET /health/ready").status == 200)
        bench.edge.close()
        #expect(try await bench.ask("GET /health/ready").status == 503)
        #expect(try await bench.ask("GET /books").status == 200)
    }

    @Test("What comes before the edge is connected waits for it")
    func waitingForTheStart() async throws {
        let bench = Bench(connected: false)
        async let books = bench.ask("GET /books")
        async let made = bench.ask("POST /customers", ["Content-Type: application/json"], #"{"customerName":"a"}"#)
        while bench.edge.requestsInFlight < 2 { await Task.yield() }
        #expect(bench.shards.calls.isEmpty)
        bench.edge.connect(bench.shards, shards: Shards(count: 4))
        let statuses = try await (books.status, made.status)
        #expect(statuses == (200, 201))
        #expect(bench.edge.requestsInFlight == 0)
    }

    @Test("Beyond the bound of requests under way there is 503 at once, but not for probes")
    func shedding() async throws {
        var options = Bench.options
        options.inFlightMax = 2
        let edge = Edge(
            system: Bookstore.system, services: Bookstore.system.services, instance: "gateway-0", options: options)
        let silent = SilentCaller()
        edge.connect(silent, shards: Shards(count: 1))
        let statuses = Mutex<[Int]>([])
        func ask(_ path: String) {
            let segments = path.split(separator: "/").map(String.init)
            let request = HTTPRequest(
                method: "GET", target: path, segments: segments, headers: [(name: "Host", value: "H")])
            edge.handle(request) { response in statuses.withLock { $0.append(response.status) } }
        }
        for _ in 0..<3 { ask("/books/1") }
        ask("/health/live")
        #expect(statuses.withLock { $0 } == [503, 200])
        #expect(edge.requestsInFlight == 2)
        silent.answerAll()
        #expect(statuses.withLock { $0 } == [503, 200, 504, 504])
        #expect(edge.requestsInFlight == 0)
    }

    @Test("An address may only ask so often")
    func rates() async throws {
        var options = Bench.options
        options.ratePerSecond = 1
        options.rateBurst = 2
        options.forwardedTrusted = true
        let bench = Bench(options: options)
        let first = try await bench.ask("GET /books")
        #expect(first.header("RateLimit-Limit") == "2")
        #expect(first.header("RateLimit-Remaining") == "1")
        #expect(try await bench.ask("GET /books").status == 200)
        let third = try await bench.ask("GET /books")
        #expect(third.status == 429)
        #expect(third.header("Retry-After") == "1")
        #expect(third.type == "application/problem+json")
        #expect(try await bench.ask("GET /health/live").status == 200)
        #expect(try await bench.ask("GET /books", from: "10.0.0.2").status == 200)
        #expect(try await bench.ask("GET /books", ["X-Forwarded-For: 10.0.0.1, 10.0.0.3"]).status == 200)
    }

    @Test("Buckets fill again, and a flood of addresses costs no memory")
    func buckets() {
        var options = EdgeOptions()
        options.ratePerSecond = 10
        options.rateBurst = 10
        options.rateClientsMax = 100
        let time = Mutex<Int64>(0)
        let limiter = RateLimiter(options, now: { time.withLock { $0 } })
        for _ in 0..<10 { #expect(limiter.take(address: "a").isGranted) }
        #expect(!limiter.take(address: "a").isGranted)
        time.withLock { $0 += 100 }
        #expect(limiter.take(address: "a").isGranted)
        #expect(!limiter.take(address: "a").isGranted)
        for number in 0..<1000 { _ = limiter.take(address: "flood \(number)") }
        #expect(limiter.addresses <= 100)
    }

    @Test(
        "Links begin with what the client called",
        arguments: [
            (false, ["Host: shop:8080"], "http://shop:8080"), (false, ["Host: [::1]:8080"], "http://[::1]:8080"),
            (false, ["Host: a", "X-Forwarded-Host: evil"], "http://a"),
            (true, ["Host: a", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: https"], "https://shop.example"),
            (
                true,
                ["Host: a", "X-Forwarded-Host: one, two", "X-Forwarded-Port: 8443", "X-Forwarded-Proto: https, http"],
                "https://one:8443"
            ),
            (true, ["Host: a:80", "X-Forwarded-Port: 443", "X-Forwarded-Proto: https"], "https://a"),
            (true, ["Host: a", "X-Forwarded-Prefix: /shop/"], "http://a/shop"),
            (true, ["Host: a", "X-Forwarded-Prefix: /"], "http://a"),
            (false, ["Host: a\"b"], ""), (false, ["Host: a/b"], ""), (true, ["Host: a", "X-Forwarded-Host: <x>"], ""),
            (true, ["Host: a", "X-Forwarded-Prefix: x\"y"], ""),
        ])
    func linkBases(trusted: Bool, headers: [String], base: String) async throws {
        var options = Bench.options
        options.forwardedTrusted = trusted
        let answer = try await Bench(options: options).seeded().ask("GET /books/1", headers)
        #expect(answer.status == (base.isEmpty ? 400 : 200))
        if !base.isEmpty { #expect(answer.json["_links"]["self"]["href"] == .string("\(base)/books/1")) }
    }

    @Test("Only OPTIONS asks about the server as a whole")
    func wholeServer() async throws {
        let answer = try await Bench().ask("OPTIONS *")
        #expect(answer.status == 200)
        #expect(answer.header("Allow")?.contains("DELETE") == true)
        for method in ["GET", "DELETE", "POST", "FOO"] {
            #expect(try await Bench().ask("\(method) *").status == 400, "\(method)")
        }
    }

    @Test("Local paths answer by themselves, problems included")
    func localRoutes() async throws {
        let flag = Flag()
        let bench = Bench(
            local: [
                LocalRoute("/isHealthy", "Whether it is") { () throws(Problem) in
                    if flag.isZombie { throw Problem(500, "zombie.....") }
                    return Reply(status: 200, contentType: Reply.textType, body: [])
                },
                LocalRoute("/makeZombie", "Makes it none") { () throws(Problem) in
                    flag.set()
                    return Reply(status: 200, contentType: Reply.textType, body: [])
                },
            ], connected: false)
        let fine = try await bench.ask("GET /isHealthy")
        #expect(fine.status == 200)
        #expect(fine.text.isEmpty)
        #expect(try await bench.ask("GET /makeZombie/").status == 200)
        let zombie = try await bench.ask("GET /isHealthy")
        #expect(zombie.status == 500)
        #expect(zombie.json["detail"] == "zombie.....")
        #expect(try await bench.ask("POST /isHealthy").status == 405)
    }

    @Test("Whatever a shard answers, the client gets HTTP that makes sense")
    func oddReplies() async throws {
        let bench = try await Bench().seeded()
        for (reply, status) in [
            (Reply(status: 0, contentType: "", body: []), 500), (Reply(status: 200, contentType: "", body: []), 500),
            (Reply(status: 302, contentType: "", body: Array("{}".utf8)), 500),
            (Reply(status: 700, contentType: "", body: Array("{}".utf8)), 500),
            (Reply(status: 409, contentType: "", body: Array("no JSON".utf8)), 409),
            (Reply(status: 503, contentType: "", body: Problem(503, "x").json.bytes), 503),
            (Reply(status: 200, contentType: "", body: Array("{}".utf8)), 200),
        ] {
            bench.shards.script("/books/1", reply)
            let answer = try await bench.ask("GET /books/1")
            #expect(answer.status == status)
            #expect(answer.json.object != nil)
            #expect((answer.header("Retry-After") != nil) == (status == 503))
        }
    }

    @Test("Whoever says when to come again is heard by the client")
    func retryAfter() async throws {
        let bench = try await Bench().seeded()
        for (problem, header) in [
            (Problem.unavailable("busy", retryAfterSeconds: 7), "7"), (Problem(503, "busy"), "1"),
            (Problem(429, "often", retryAfterSeconds: 3), "3"), (Problem(409, "no"), nil),
        ] {
            bench.shards.script("/books/1", Reply(problem))
            let answer = try await bench.ask("GET /books/1")
            #expect(answer.status == problem.status && answer.header("Retry-After") == header)
            #expect(answer.json["retryAfterSeconds"] == .null, "the header says it")
        }
    }
}

private final class Flag: Sendable {
    private let state = Atomic(false)
    var isZombie: Bool { state.load(ordering: .relaxed) }
    func set() { state.store(true, ordering: .relaxed) }
}

/// Keeps everybody waiting until told to give up.
private final class SilentCaller: ShardCaller {
    private let waiting = Mutex<[@Sendable (CallResult) -> Void]>([])
    func send(_ call: Call, then: @escaping @Sendable (CallResult) -> Void) { waiting.withLock { $0.append(then) } }
    func statistics() -> JSONObject { [:] }
    func answerAll() {
        let all = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for then in all { then(.refused(Problem(504, "no answer"))) }
    }
}
