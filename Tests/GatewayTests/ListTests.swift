// Lists merged from all shards against a model that sorts all rows and takes a page.
import BookstoreContracts
import Contract
import Testing
import Wire
import Worker

@testable import Gateway

@Suite struct ListTests {
    private static let orders = [
        "", "sort=stock", "sort=stock,desc", "sort=bookName,desc&sort=stock", "sort=bookId,desc",
        "sort=bookName,stock,asc", "sort=nothing,desc", "sort=", "sort=,desc", "sort=bookName,bookId,desc&sort=stock",
    ]

    @Test("Every page in every order is the model's page", arguments: 1...30)
    func againstModel(seed: UInt64) async throws {
        var random = Seeded(seed)
        let bench = Bench(shards: Int32.random(in: 1...7, using: &random))
        let names = ["b", "B", "", "ä", "zz", "가", "😀", "a\\\"}]", "a,\n"]
        var rows: [JSONObject] = []
        for id in 1...Int64.random(in: 1...60, using: &random) where Bool.random(using: &random) {
            let row: JSONObject = [
                "bookId": .integer(id), "bookName": .string(names.randomElement(using: &random) ?? ""),
                "stock": .integer(Int64.random(in: 0...4, using: &random)),
            ]
            rows.append(row)
            bench.shards.put(Bookstore.books, row)
        }
        for _ in 0..<20 {
            let order = Self.orders.randomElement(using: &random) ?? ""
            let page = Int.random(in: 0...6, using: &random)
            let size = Int.random(in: 1...25, using: &random)
            let answer = try await bench.ask("GET /books?page=\(page)&size=\(size)&\(order)")
            let sorted = FakeShards.sorted(rows, try keys(order), "bookId")
            let expected = sorted.dropFirst(page * size).prefix(size).map { $0["bookId"] ?? .null }
            let got = answer.json["_embedded"]["books"].array?.map { $0["bookId"] }
            #expect(got == expected, "seed \(seed): page=\(page)&size=\(size)&\(order)")
            #expect(answer.json["page"]["totalElements"] == .integer(Int64(rows.count)))
        }
    }

    private func keys(_ order: String) throws -> [SortKey] {
        let query = order.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            return (name: parts[0], value: parts[1])
        }
        return try ListQuery(
            .init(method: "GET", target: "/books", segments: ["books"], query: query), Bookstore.books, EdgeOptions()
        ).sort
    }

    @Test("Deep pages are reached from the other end, and those in the middle are refused")
    func deepPages() async throws {
        var options = Bench.options
        options.listRowsMax = 30
        options.pageSizeMax = 30
        let bench = Bench(options: options)
        for id in 1...Int64(100) {
            bench.shards.put(Bookstore.books, ["bookId": .integer(id), "bookName": "a", "stock": .integer(id % 3)])
        }
        func ids(_ query: String) async throws -> [Int64]? {
            try await bench.ask("GET /books?\(query)").json["_embedded"]["books"].array?.compactMap {
                $0["bookId"].integer
            }
        }
        #expect(try await ids("page=9&size=10") == Array(91...100))
        #expect(try await ids("page=7&size=10") == Array(71...80))
        #expect(try await ids("page=8&size=12") == Array(97...100))
        #expect(try await ids("page=2000000000&size=10") == [])
        #expect(try await ids("page=9&size=10&sort=bookId,desc") == Array((1...10).reversed()))
        let byStock = try await ids("page=9&size=10&sort=stock,desc")
        #expect(byStock == Array(stride(from: Int64(72), through: 99, by: 3)))
        let middle = try await bench.ask("GET /books?page=5&size=10")
        #expect(middle.status == 400)
        #expect(middle.json["detail"].string?.contains("30 rows") == true)
    }

    @Test("Links keep the order and the filters")
    func links() async throws {
        let bench = Bench()
        for id in 1...Int64(5) {
            bench.shards.put(Bookstore.myPages, ["orderId": .integer(id), "customerId": .integer(id % 2)])
        }
        let answer = try await bench.ask("GET /myPages?customerId=1&size=2&sort=orderId,desc&sort=quantity")
        #expect(answer.json["page"]["totalElements"] == 3)
        #expect(answer.json["_embedded"]["myPages"].array?.map { $0["orderId"] } == [5, 3])
        #expect(
            answer.json["_links"]["next"]["href"]
                == "http://H/myPages?page=1&size=2&sort=orderId,desc&sort=quantity,asc&customerId=1")
        #expect(answer.json["_links"]["self"]["href"] == "http://H/myPages?customerId=1")
        let plain = try await bench.ask("GET /myPages?customerId=1")
        #expect(plain.json["_links"]["self"]["href"] == "http://H/myPages?customerId=1{&page,size,sort}")
        for value in ["abc", "", "0"] {
            let refused = try await bench.ask("GET /myPages?customerId=\(value)")
            #expect(refused.status == 400)
            #expect(refused.json["detail"].string?.hasPrefix("parameter 'customerId' is '\(value)'") == true)
        }
    }

    @Test("A sort field that comes again decides nothing and makes no link longer")
    func repeatedSortFields() async throws {
        let bench = Bench()
        for id in 1...Int64(3) {
            bench.shards.put(Bookstore.books, ["bookId": .integer(id), "bookName": "a", "stock": .integer(-id)])
        }
        let order = "sort=stock,desc&" + Array(repeating: "sort=stock,bookId,stock", count: 100).joined(separator: "&")
        let answer = try await bench.ask("GET /books?size=2&\(order)")
        #expect(answer.json["_embedded"]["books"].array?.map { $0["bookId"] } == [1, 2])
        #expect(
            answer.json["_links"]["next"]["href"]
                == "http://H/books?page=1&size=2&sort=stock,desc&sort=bookId,asc")
    }

    @Test("A plain list is whole unless a page is asked for")
    func plainLists() async throws {
        let bench = Bench()
        for id in 1...Int64(45) {
            bench.shards.put(
                Bookstore.stockInputs, ["id": .integer(id), "bookId": 1, "quantity": 1, "inCharger": .null])
        }
        #expect(try await bench.ask("GET /stockInputs").json.array?.count == 45)
        #expect(
            try await bench.ask("GET /stockInputs?size=10&page=4").json.array?.map { $0["id"] } == [41, 42, 43, 44, 45])
    }

    @Test("One shard that refuses, or answers nonsense, spoils the list")
    func failures() async throws {
        let bench = try await Bench().seeded()
        bench.shards.refuse(Problem(504, "order did not answer in time"))
        #expect(try await bench.ask("GET /orders").status == 504)
        bench.shards.refuse(.unavailable("busy", retryAfterSeconds: 7))
        let busy = try await bench.ask("GET /orders")
        #expect(busy.status == 503)
        #expect(busy.header("Retry-After") == "7")
        bench.shards.refuse(nil)
        for body in [
            "", "[]", "{}", #"{"total":1}"#, #"{"total":1,"items":[{}]}"#, #"{"total":1,"items":[{"orderId":1}"#,
        ] {
            bench.shards.script("/orders", Reply(status: 200, contentType: "", body: Array(body.utf8)))
            #expect(try await bench.ask("GET /orders").status == 500, "\(body)")
        }
    }

    @Test("Rows are found whatever surrounds them")
    func scanner() throws {
        let body =
            #" { "more" : [1,{"a":"]}"}] , "items" : [ {"n":"}\"]","id": 7 , "x":{"id":9}} , {"id":8}], "total": 2 } "#
        var rows = try #require(ShardRows(Array(body.utf8), idField: "id", keyFields: ["n"]))
        let first = try #require(try rows.next())
        #expect(first.id == 7)
        #expect(first.keys == [.string("}\"]")])
        #expect(String(decoding: first.bytes, as: UTF8.self).hasSuffix(#""x":{"id":9}}"#))
        #expect(try rows.next()?.keys == [.null])
        #expect(try rows.next() == nil)
    }
}

/// The same numbers in every run of one seed.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
