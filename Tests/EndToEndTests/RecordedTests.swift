// The recorded answers of the original services, asked of the running system, field by field. Where ours differ,
// docs/compatibility.md says so: each row that differs names the words to be found there.
import Foundation
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct Recorded {
        /// An item as the original sent it: its fields in order, and those that only ours has.
        private struct Item {
            let path: String
            let original: [(name: String, kind: String)]
            let added: Set<String>
            let links: [String]
            var isOrderKept = true
        }

        @Test("Items: the original's fields, kinds, order and links, plus the documented ones", arguments: Shape.all)
        func items(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, order) = try system.order(quantity: 50, stock: 100)
            try system.awaitShipped(order)
            let deliverable = try #require(try system.deliverable(ofOrder: order)?["deliverableId"].integer)
            let input = try #require(try system.stockInput(book: book, quantity: 200).json?["id"].integer)
            let customer = try #require(try system.item("/orders/\(order)")["customerId"].integer)
            let (number, text) = ("a number", "a text")
            let items = [
                Item(
                    path: "/customers/\(customer)", original: [("customerName", text)], added: ["customerId"],
                    links: ["self", "customer"]),
                Item(
                    path: "/books/\(book)", original: [("bookName", text), ("stock", number)], added: ["bookId"],
                    links: ["self", "book"]),
                Item(
                    path: "/orders/\(order)",
                    original: [
                        ("bookId", number), ("customerId", number), ("quantity", number), ("deliveryAddress", text),
                        ("orderStatus", text),
                    ],
                    added: ["orderId"], links: ["self", "order"]),
                Item(
                    path: "/deliverables/\(deliverable)",
                    original: [("orderId", number), ("quantity", number), ("status", text)],
                    added: ["deliverableId", "bookId"], links: ["self", "deliverable"]),
                Item(
                    path: "/deliveries/\(order)",
                    original: [("orderId", number), ("deliveryAddress", text), ("deliveryStatus", text)],
                    added: ["id"], links: ["self", "delivery"]),
                Item(
                    path: "/stockInputs/\(input)",
                    original: [("id", number), ("bookId", number), ("quantity", number), ("inCharger", "null")],
                    added: [], links: []),
                Item(
                    path: "/myPages/\(order)",
                    original: [
                        ("customerName", text), ("orderStatus", text), ("orderId", number), ("bookId", number),
                        ("deliveryStatus", text),
                        ("quantity", number), ("deliveryAddress", text), ("deliveryId", number),
                    ], added: ["customerId"], links: ["self", "myPage"], isOrderKept: false),
            ]
            for item in items {
                let answer = try system.item(item.path)
                let names = (answer.object?.names ?? []).filter { $0 != "_links" }
                #expect(Set(names) == Set(item.original.map(\.name)).union(item.added), "\(item.path)")
                if item.isOrderKept {
                    #expect(names.filter { !item.added.contains($0) } == item.original.map(\.name), "\(item.path)")
                }
                for field in item.original {
                    #expect(Self.kind(answer[field.name]) == field.kind, "\(item.path) \(field.name)")
                }
                #expect((answer["_links"].object?.names ?? []) == item.links, "\(item.path)")
                for link in item.links { #expect(answer["_links"][link]["href"] == .string(system.url(item.path))) }
            }
        }

        private static func kind(_ value: JSON) -> String {
            if value.isNull { return "null" }
            if value.integer != nil { return "a number" }
            return value.string != nil ? "a text" : value.kind
        }

        /// A request, what the original answered and what we do.
        struct Row: CustomTestStringConvertible, Sendable {
            let line: String
            let body: String
            let original: Int
            let ours: Int
            /// Words of docs/compatibility.md about the difference.
            let reason: String
            var testDescription: String { "\(line) \(body)" }

            init(_ line: String, _ body: String, _ original: Int, _ ours: Int? = nil, _ reason: String = "") {
                self.line = line
                self.body = body
                self.original = original
                self.ours = ours ?? original
                self.reason = reason
            }

            init(_ line: String, _ status: Int) { self.init(line, "", status) }
        }

        private static let gone = "missing item"
        private static let wrong = "missing or impossible fields"
        private static let readOnly = "writes to views and policy-made rows"
        private static let noMethod = "a method that is not possible"
        // B, C: a book and a customer; S: a shipped order; W: a waiting one.
        private static let rows: [Row] = [
            .init("GET /books/999999999", 404), .init("PATCH /books/999999999", #"{"stock":1}"#, 404),
            .init("DELETE /books/999999999", 404), .init("GET /stockInputs/999999999", "", 500, 404, gone),
            .init("GET /orders/abc", "", 500, 400, "id that is no number"), .init("GET /stockInputs/abc", 400),
            .init("POST /books", "{", 400), .init("POST /books", "[]", 400), .init("POST /books", #""abc""#, 400),
            .init("POST /books", "null", 400), .init("POST /books", "", 400),
            .init("POST /orders", "{}", 201, 400, wrong), .init("POST /customers", "{}", 201, 400, wrong),
            .init("POST /books", #"{"bookName":"a","stock":-3}"#, 201, 400, wrong),
            .init("POST /orders", #"{"bookId":B,"customerId":C,"quantity":-5}"#, 201, 400, wrong),
            .init("POST /books", #"{"bookName":"a","stock":1.9}"#, 201, 400, "`1.9` for a whole number"),
            .init("POST /books", #"{"bookName":"LONG","stock":1}"#, 409, 201, "text longer than 255"),
            .init("PATCH /books/B", #"{"stock":7}"#, 200), .init("PATCH /books/B", #"{"stock":7}"#, 200),
            .init("PATCH /books/B", "{}", 200), .init("PUT /books/B", #"{"bookName":"b","stock":9}"#, 200),
            .init("PUT /books/B", #"{"bookName":"b"}"#, 200, 400, "PUT, required field missing"),
            .init("PUT /books/999999999", #"{"bookName":"b","stock":3}"#, 201, 404, "PUT of a missing id"),
            .init("DELETE /orders/S", "", 500, 409, "DELETE of an order that is not Ordered"),
            .init("DELETE /orders/W", 204), .init("DELETE /orders/W", 404),
            .init("PUT /orders/S", "{}", 200, 405, "PUT, PATCH of an order"),
            .init("PATCH /orders/S", "{}", 200, 405, "PUT, PATCH of an order"),
            .init("POST /myPages", "{}", 201, 405, readOnly), .init("DELETE /deliverables/1", "", 204, 405, readOnly),
            .init("POST /deliveries", "{}", 201, 405, readOnly), .init("DELETE /deliveries/S", "", 204, 405, readOnly),
            .init("POST /stockInputs", #"{"bookId":999999999,"quantity":1}"#, 500, 404, wrong),
            .init("POST /stockInputs", #"{"quantity":1}"#, 500, 400, wrong),
            .init("POST /stockInputs", #"{"bookId":B}"#, 500, 400, wrong),
            .init("POST /stockInputs", #"{"bookId":B,"quantity":-1}"#, 200, 400, wrong),
            .init("PUT /stockInputs/1", "{}", 405), .init("PATCH /stockInputs/1", "{}", 405),
            .init("DELETE /stockInputs/1", 405),
            .init("PUT /books", "{}", 404, 405, noMethod), .init("DELETE /books", "", 404, 405, noMethod),
            .init("POST /books/B", "{}", 404, 405, noMethod), .init("BREW /books", "", 404, 405, noMethod),
            .init("HEAD /books", "", 204, 200, "HEAD"), .init("OPTIONS /books", 200), .init("OPTIONS /books/B", 200),
            .init("GET /books/", 200), .init("GET /nothing", 404),
            .init("GET /", "", 404, 200, "`GET /` on the gateway"),
            .init("GET /books?page=99", 200), .init("GET /books?size=0", 200),
            .init("GET /books?size=abc&page=-1", 200),
            .init("GET /circuitBreaker?isYn=Y", 200), .init("GET /selectDeliveryInfo", 400),
            .init("GET /selectDeliveryInfo?deliveryId=S", 200),
            .init("DELETE /books/B", 204), .init("DELETE /customers/C", 204),
        ]

        @Test("Statuses: as recorded, or as docs/compatibility.md says", arguments: Shape.all)
        func statuses(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let document = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("docs/compatibility.md")
            let differences = try String(contentsOf: document, encoding: .utf8)
            let (book, shipped) = try system.order(quantity: 1, stock: 1)
            try system.awaitShipped(shipped)
            let customer = try system.customer()
            let waiting = try system.order(book: book, customer: customer, quantity: 9)
            try system.awaitLacking(waiting)
            let names = [
                "/B": "/\(book)", ":B": ":\(book)", ":C": ":\(customer)", "/C": "/\(customer)", "/S": "/\(shipped)",
                "=S": "=\(shipped)", "/W": "/\(waiting)", "LONG": String(repeating: "x", count: 300),
            ]
            func filled(_ text: String) -> String {
                names.reduce(text) { text, name in
                    // A letter of its own only: `/S` is an order, `/Sxx` would not be.
                    text.replacingOccurrences(
                        of: name.key + "(?![A-Za-z])", with: name.value, options: .regularExpression)
                }
            }
            for row in Self.rows {
                let words = filled(row.line).split(separator: " ", maxSplits: 1).map(String.init)
                let body = row.body.isEmpty && words[0] != "POST" ? nil : Array(filled(row.body).utf8)
                let answer = try #require(system.gateway.send(words[0], words[1], body: body), "\(row.line)")
                #expect(answer.status == row.ours, "\(row.line) \(row.body): \(answer.text)")
                if row.ours == 405 { #expect(answer.header("allow") != nil) }
                if row.ours != row.original {
                    #expect(
                        !row.reason.isEmpty && differences.contains(row.reason), "\(row.line) differs: \(row.reason)")
                }
            }
        }

        @Test("Representations: types asked for and sent, loose JSON", arguments: Shape.all)
        func representations(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let book = try system.book(stock: 1)
            let types = [
                ("*/*", "application/hal+json;charset=UTF-8"),
                ("application/hal+json", "application/hal+json;charset=UTF-8"),
                ("application/json, */*;q=0.5", "application/json;charset=UTF-8"),
                ("application/json", "application/json;charset=UTF-8"),
                ("application/*", "application/json;charset=UTF-8"),
            ]
            for (accept, type) in types {
                let answer = try system.get("/books/\(book)", headers: [(name: "Accept", value: accept)])
                #expect(answer.header("content-type") == type, "\(accept)")
            }
            for accept in ["text/html", "application/xml", "text/plain"] {
                expectProblem(try system.get("/books/\(book)", headers: [(name: "Accept", value: accept)]), 406)
            }
            let loose: [(body: String, name: JSON, stock: JSON)] = [
                (#"{"bookName":"a","stock":"100"}"#, "a", 100), (#"{"bookName":"a","stock":" 7 "}"#, "a", 7),
                (#"{"bookName":12,"stock":1}"#, "12", 1),
                (#"{"bookName":"a","bookName":"b","stock":1,"x":[{}]}"#, "b", 1),
            ]
            for type in [
                "application/json", "application/json; charset=utf-8", "application/hal+json",
                "application/merge-patch+json",
            ] {
                for sample in loose {
                    let answer = try #require(
                        system.gateway.send(
                            "POST", "/books", body: Array(sample.body.utf8),
                            headers: [(name: "Content-Type", value: type)]))
                    #expect(answer.status == 201, "\(type) \(sample.body) \(answer.text)")
                    #expect(answer.json?["bookName"] == sample.name)
                    #expect(answer.json?["stock"] == sample.stock)
                }
            }
        }
    }
}
