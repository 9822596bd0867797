// What the original system was recorded answering, row by row. Where ours differs, docs/compatibility.md says why.
import Testing
import Wire

@testable import Gateway

@Suite struct GoldenTests {
    @Test("A body comes back in its fields' order, with links to itself")
    func bodies() async throws {
        let bench = Bench()
        let customer = try await bench.ask("POST /customers", [], #"{"customerName":"hong gil dong"}"#)
        #expect(customer.status == 201)
        #expect(customer.header("Location") == "http://H/customers/1")
        #expect(
            customer.text == #"{"customerId":1,"customerName":"hong gil dong","_links":{"self":{"href":"#
                + #""http://H/customers/1"},"customer":{"href":"http://H/customers/1"}}}"#)
        _ = try await bench.ask("POST /books", [], #"{"bookName":"alice","stock":100}"#)
        let book = try await bench.ask("POST /books", [], #"{"bookName":"quobadis?","stock":"50"}"#)
        #expect(book.header("Location") == "http://H/books/2")
        #expect(
            book.text == #"{"bookId":2,"bookName":"quobadis?","stock":50,"_links":{"self":{"href":"#
                + #""http://H/books/2"},"book":{"href":"http://H/books/2"}}}"#)
        let order = try await bench.ask(
            "POST /orders", [], #"{"bookId":"1","customerId":"1","deliveryAddress":"bundang gu","quantity":"50"}"#)
        #expect(order.status == 201)
        #expect(order.json["quantity"] == 50)
        #expect(order.json["_links"]["order"]["href"] == "http://H/orders/1")
    }

    @Test("A plain resource has no links, no location and a bare array for its list")
    func plain() async throws {
        let bench = Bench()
        let made = try await bench.ask("POST /stockInputs", [], #"{"bookId":"1","quantity":"200"}"#)
        #expect(made.status == 200)
        #expect(made.header("Location") == nil)
        #expect(made.text == #"{"id":1,"bookId":1,"quantity":200,"inCharger":null}"#)
        #expect(made.type == "application/json;charset=UTF-8")
        let list = try await bench.ask("GET /stockInputs")
        #expect(list.text == #"[{"id":1,"bookId":1,"quantity":200,"inCharger":null}]"#)
    }

    @Test("A list has embedded items, links and a page")
    func lists() async throws {
        let bench = try await Bench().seeded()
        let books = try await bench.ask("GET /books")
        #expect(books.status == 200)
        #expect(books.json["_embedded"]["books"].array?.count == 2)
        #expect(books.json["_embedded"]["books"].array?.first?["_links"]["book"]["href"] == "http://H/books/1")
        #expect(
            books.json["_links"] == [
                "self": ["href": "http://H/books{?page,size,sort}", "templated": true],
                "profile": ["href": "http://H/profile/books"],
            ])
        #expect(books.json["page"] == ["size": 20, "totalElements": 2, "totalPages": 1, "number": 0])
    }

    @Test("Pages of 17 orders, by two: links as recorded")
    func pages() async throws {
        let bench = Bench()
        for _ in 0..<17 {
            _ = try await bench.ask("POST /orders", [], #"{"bookId":1,"customerId":1,"quantity":1}"#)
        }
        let first = try await bench.ask("GET /orders?page=0&size=2")
        #expect(
            first.json["_links"] == [
                "first": ["href": "http://H/orders?page=0&size=2"],
                "self": ["href": "http://H/orders{&sort}", "templated": true],
                "next": ["href": "http://H/orders?page=1&size=2"],
                "last": ["href": "http://H/orders?page=8&size=2"],
                "profile": ["href": "http://H/profile/orders"],
            ])
        #expect(first.json["page"] == ["size": 2, "totalElements": 17, "totalPages": 9, "number": 0])
        let beyond = try await bench.ask("GET /orders?page=99")
        #expect(beyond.status == 200)
        #expect(beyond.json["_embedded"]["orders"] == [])
        #expect(beyond.json["_links"].object?.names == ["first", "prev", "self", "last", "profile"])
        #expect(beyond.json["_links"]["prev"]["href"] == "http://H/orders?page=98&size=20")
        #expect(beyond.json["page"]["number"] == 99)
    }

    @Test(
        "Page and size that make no sense count as their defaults",
        arguments: [
            ("size=0", 20, 0), ("size=abc", 20, 0), ("size=-3", 20, 0), ("page=-1", 20, 0), ("page=abc", 20, 0),
            ("size=5000", 1000, 0), ("page=2&size=7", 7, 2), ("size=99999999999", 1000, 0), ("", 20, 0),
            ("page=99999999999999999999", 20, 0),
        ])
    func pageParameters(query: String, size: Int64, number: Int64) async throws {
        let page = try await Bench().ask("GET /orders?\(query)").json["page"]
        #expect(page["size"] == .integer(size))
        #expect(page["number"] == .integer(number))
    }

    @Test("Views name their searches")
    func views() async throws {
        let bench = Bench()
        let links = try await bench.ask("GET /myPages").json["_links"]
        #expect(links["search"]["href"] == "http://H/myPages/search")
        let search = try await bench.ask("GET /myPages/search")
        #expect(
            search.json["_links"]["findByCustomerId"]["href"] == "http://H/myPages{?customerId,page,size,sort}")
    }

    @Test("The root lists the collections")
    func root() async throws {
        let root = try await Bench().ask("GET /")
        #expect(root.status == 200)
        #expect(
            root.json["_links"]["orders"] == ["href": "http://H/orders{?page,size,sort}", "templated": true])
        #expect(root.json["_links"]["profile"]["href"] == "http://H/profile")
        #expect(root.json["_links"].object?.names.count == 8)
    }

    @Test(
        "JSON is read loosely, but not wrongly",
        arguments: [
            (#"{"bookName":"a","stock":"100"}"#, 201, #""stock":100"#),
            (#"{"bookName":"a","stock":" 7 "}"#, 201, #""stock":7"#),
            (#"{"bookName":5,"stock":1}"#, 201, #""bookName":"5""#),
            (#"{"bookName":"a","stock":1,"x":2}"#, 201, ""),
            (#"{"bookName":"a","stock":1,"stock":2}"#, 201, #""stock":2"#),
            (#"{"bookName":"가 😀","stock":1}"#, 201, #""bookName":"가 😀""#),
            (#"{"bookId":77,"bookName":"a","stock":1}"#, 201, #""bookId":1,"#),
            (#"{"bookName":"a","Stock":1}"#, 400, "stock"),
            (#"{"bookName":"a","stock":""}"#, 400, "stock"),
            (#"{"bookName":"a","stock":true}"#, 400, "stock"),
            (#"{"bookName":"a","stock":{}}"#, 400, "stock"),
            (#"{"bookName":"a","stock":"1.9"}"#, 400, "stock"),
            (#"{"bookName":"a","stock":"abc"}"#, 400, "abc"),
            (#"{"bookName":"a","stock":99999999999}"#, 400, "stock"),
            (#"{"bookName":"a","stock":1.9}"#, 400, "stock"),
            (#"{"bookName":"a","stock":7.0}"#, 201, #""stock":7,"#),
            (#"{"bookName":"a","stock":1e3}"#, 201, #""stock":1000,"#),
            (#"{"bookName":"a","stock":1e300}"#, 400, "stock"),
            (#"{"bookName":"a","stock":-3}"#, 400, "stock"),
            ("{}", 400, "bookName"), ("[]", 400, "array"), (#""abc""#, 400, "text"), ("null", 400, "null"),
            ("", 400, "empty"), ("{", 400, "JSON"),
        ])
    func looseJSON(body: String, status: Int, holds: String) async throws {
        let answer = try await Bench().ask("POST /books", ["Content-Length: \(body.utf8.count)"], body)
        #expect(answer.status == status)
        #expect(holds.isEmpty || answer.text.contains(holds), "\(answer.text)")
    }

    @Test("A body that nobody announced is missed: 411", arguments: ["POST /books", "PUT /books/1", "PATCH /books/1"])
    func noLength(line: String) async throws {
        let bench = try await Bench().seeded()
        let answer = try await bench.ask(line)
        #expect(answer.status == 411)
        #expect(answer.type == "application/problem+json")
        #expect(answer.json["detail"].string?.contains("Content-Length") == true)
        #expect(try await bench.ask(line, ["Content-Length: 0"]).status == 400)
        #expect(try await bench.ask(line, ["Transfer-Encoding: chunked"]).status == 400)
    }

    @Test("Status codes of items", arguments: itemRows)
    func items(row: StatusRow) async throws { try await expect(row) }

    @Test("Status codes of methods that are not possible", arguments: methodRows)
    func methods(row: StatusRow) async throws { try await expect(row) }

    @Test("Status codes of paths", arguments: pathRows)
    func paths(row: StatusRow) async throws { try await expect(row) }

    private func expect(_ row: StatusRow) async throws {
        let answer = try await Bench().seeded().ask(row.line, [], row.body)
        #expect(answer.status == row.status, "\(answer.text)")
        if let colon = row.header.firstIndex(of: ":") {
            #expect(answer.header(String(row.header[..<colon])) ?? "" == row.header[colon...].dropFirst(2))
        }
        guard row.status >= 400 else { return }
        #expect(answer.type == "application/problem+json")
        let problem = try #require(answer.json.object)
        #expect(problem.names == ["type", "title", "status", "detail", "instance", "requestId"])
        #expect(problem["status"] == .integer(Int64(row.status)))
        #expect(problem["requestId"]?.string == answer.header("X-Request-Id"))
        #expect(problem["instance"]?.string == String(row.line.split(separator: " ")[1].split(separator: "?")[0]))
    }

    @Test(
        "Accept decides the type, or 406",
        arguments: [
            ("*/*", "application/hal+json;charset=UTF-8"),
            ("application/hal+json", "application/hal+json;charset=UTF-8"),
            ("application/json, */*;q=0.5", "application/json;charset=UTF-8"),
            ("application/json", "application/json;charset=UTF-8"),
            ("application/*", "application/json;charset=UTF-8"),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/hal+json;charset=UTF-8"),
            ("application/hal+json;q=0.2, application/json;q=0.9", "application/json;charset=UTF-8"),
            ("application/json;q=0, */*", "application/hal+json;charset=UTF-8"),
            ("APPLICATION/JSON", "application/json;charset=UTF-8"),
            ("application/*+json", "application/hal+json;charset=UTF-8"),
            ("", "application/hal+json;charset=UTF-8"), ("text/html", ""), ("application/xml", ""), ("text/plain", ""),
            ("*/*;q=0", ""), ("nonsense", ""),
        ])
    func accept(header: String, type: String) async throws {
        let bench = try await Bench().seeded()
        let answer = try await bench.ask("GET /books/1", ["Accept: \(header)"])
        #expect(answer.status == (type.isEmpty ? 406 : 200))
        #expect(answer.type == (type.isEmpty ? "application/problem+json" : type))
    }

    @Test(
        "Content-Type decides whether a body is read, or 415",
        arguments: [
            ("application/json", 201), ("application/json;charset=euc-kr", 201), ("application/hal+json", 201),
            ("application/vnd.shop+json", 201), ("", 201), ("Application/JSON", 201), ("text/plain", 415),
            ("application/x-www-form-urlencoded", 415), ("application/xml", 415), ("application/json-patch+json", 415),
        ])
    func contentType(type: String, status: Int) async throws {
        let bench = Bench()
        let answer = try await bench.ask(
            "POST /customers", type.isEmpty ? [] : ["Content-Type: \(type)"], #"{"customerName":"a"}"#)
        #expect(answer.status == status)
        if status == 415 {
            #expect(answer.header("Accept") == "application/json, application/hal+json")
            #expect(bench.shards.calls.isEmpty)
        }
    }

    @Test("A merge patch is a patch; a JSON patch is not taken")
    func patchTypes() async throws {
        let bench = try await Bench().seeded()
        let merge = ["Content-Type: application/merge-patch+json"]
        #expect(try await bench.ask("PATCH /books/1", merge, #"{"stock":9}"#).json["stock"] == 9)
        let patch = try await bench.ask("PATCH /books/1", ["Content-Type: application/json-patch+json"], "[]")
        #expect(patch.status == 415)
        #expect(patch.header("Accept-Patch") == "application/json, application/merge-patch+json")
    }

    @Test("What cannot be accepted is refused before anything happens")
    func refusedFirst() async throws {
        let bench = Bench()
        let answer = try await bench.ask("POST /customers", ["Accept: application/xml"], #"{"customerName":"a"}"#)
        #expect(answer.status == 406)
        #expect(bench.shards.calls.isEmpty)
    }

    @Test("CORS: any origin, what it asks for, and 403 where there is nothing")
    func cors() async throws {
        let bench = try await Bench().seeded()
        let origin = "Origin: http://example.com"
        let plain = try await bench.ask("GET /books", [origin])
        #expect(plain.header("Access-Control-Allow-Origin") == "http://example.com")
        #expect(plain.header("Access-Control-Allow-Credentials") == "true")
        #expect(plain.header("Vary")?.contains("Origin") == true)
        let asks = [
            origin, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-one, content-type",
        ]
        let preflight = try await bench.ask("OPTIONS /books/1", asks)
        #expect(preflight.status == 200)
        #expect(preflight.header("Access-Control-Allow-Methods") == "PUT")
        #expect(preflight.header("Access-Control-Allow-Headers") == "x-one, content-type")
        #expect(preflight.header("Access-Control-Allow-Origin") == "http://example.com")
        #expect(try await bench.ask("OPTIONS /nowhere", asks).status == 403)
        #expect(try await bench.ask("GET /nowhere", [origin]).header("Access-Control-Allow-Origin") != nil)
        #expect(try await bench.ask("GET /books").header("Access-Control-Allow-Origin") == nil)
    }

    @Test("An order that is no longer Ordered is not cancelled")
    func cancelled() async throws {
        let bench = try await Bench().seeded()
        bench.shards.put(
            .init("orders", item: "order", id: "orderId", fields: [], actions: [], ""),
            ["orderId": 1, "orderStatus": "Shipped"])
        let answer = try await bench.ask("DELETE /orders/1")
        #expect(answer.status == 409)
        #expect(answer.json["detail"] == "order 1 is Shipped")
        #expect(try await bench.ask("DELETE /orders/2").status == 204)
        #expect(try await bench.ask("DELETE /orders/2").status == 404)
    }
}
