// Clients at the same moment, and ids at the edges.
import Foundation
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct Races {
        @Test("Clients racing for the last copy: one gets it", arguments: Shape.all)
        func lastCopy(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 1), try system.customer())
            let orders = try atOnce(8) { _ in try system.order(book: book, customer: customer, quantity: 1) }
            var statuses: [JSON] = []
            try eventually(timeout: 20, "every order has its deliverable", every: 50) {
                statuses = try orders.compactMap { try system.deliverable(ofOrder: $0)?["status"] }
                return statuses.count == orders.count
            }
            #expect(statuses.filter { $0 == "Delivery_Prepared" }.count == 1)
            #expect(statuses.filter { $0 == "Stock_Lacked" }.count == 7)
            #expect(try system.stock(ofBook: book) == 0)
        }

        @Test("One Idempotency-Key from 50 connections: one order, 50 equal answers", arguments: Shape.all)
        func oneKeyManyTimes(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 100), try system.customer())
            let body: JSONObject = ["bookId": .integer(book), "customerId": .integer(customer), "quantity": 1]
            let key = [(name: "Idempotency-Key", value: UUID().uuidString)]
            let answers = try atOnce(50) { _ in
                let answer = try system.send("POST", "/orders", body, headers: key)
                return "\(answer.status) \(answer.text)"
            }
            #expect(Set(answers).count == 1, "\(Set(answers))")
            #expect(answers[0].hasPrefix("201"))
            try system.awaitItem("/books/\(book)", ["stock": 99])
            #expect(try system.events("Ordered", "customerId", customer).count == 1)
            var other = body
            other.append("deliveryAddress", "elsewhere")
            expectProblem(try system.send("POST", "/orders", other, headers: key), 422)
        }

        @Test("One Idempotency-Key, requests that lead to other shards and resources: refused", arguments: Shape.all)
        func oneKeyOtherRequests(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let books = try (0..<3).map { _ in try system.book(stock: 10) }
            let key = [(name: "Idempotency-Key", value: UUID().uuidString)]
            let input: JSONObject = ["bookId": .integer(books[0]), "quantity": 1]
            for _ in 0..<2 { #expect(try system.send("POST", "/stockInputs", input, headers: key).status == 200) }
            #expect(try system.stock(ofBook: books[0]) == 11)
            for book in books[1...] {
                let other: JSONObject = ["bookId": .integer(book), "quantity": 1]
                expectProblem(try system.send("POST", "/stockInputs", other, headers: key), 422)
                expectProblem(try system.send("PATCH", "/books/\(book)", ["stock": 1], headers: key), 422)
                expectProblem(try system.send("DELETE", "/books/\(book)", headers: key), 422)
                #expect(try system.stock(ofBook: book) == 10)
            }
            expectProblem(try system.send("POST", "/books", ["bookName": "b", "stock": 1], headers: key), 422)
        }

        @Test("Versions: of ten writers with the same ETag one wins", arguments: Shape.all)
        func oneVersionManyWriters(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let book = try system.book(stock: 1)
            let tag = try #require(try system.get("/books/\(book)").header("etag"))
            #expect(try system.get("/books/\(book)", headers: [(name: "If-None-Match", value: tag)]).status == 304)
            let answers = try atOnce(10) { number in
                try system.send(
                    "PATCH", "/books/\(book)", ["stock": .integer(Int64(number) + 2)],
                    headers: [(name: "If-Match", value: tag)]
                ).status
            }
            #expect(answers.sorted() == [200] + Array(repeating: 412, count: 9))
        }

        @Test("Ids at the edges of what an id can be", arguments: Shape.all)
        func idsAtTheEdges(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 1), try system.customer())
            for collection in Entrance.collections {
                for id in ["0", "-1", "9223372036854775807"] {
                    expectProblem(try system.get("/\(collection)/\(id)"), 404)
                }
                for id in ["9223372036854775808", "99999999999999999999", "abc", "1.5", "0x1", "%F0%9F%93%9A"] {
                    expectProblem(try system.get("/\(collection)/\(id)"), 400)
                }
            }
            for (name, other) in [("bookId", customer), ("customerId", book)] {
                let fixed = name == "bookId" ? "customerId" : "bookId"
                for id: JSON in [0, -1, "9223372036854775808", "-9223372036854775809"] {
                    let body = JSONObject([(name, id), (fixed, .integer(other)), ("quantity", 1)])
                    expectProblem(try system.send("POST", "/orders", body), 400, naming: name)
                }
                let body = JSONObject([(name, .integer(.max)), (fixed, .integer(other)), ("quantity", 1)])
                let order = try system.send("POST", "/orders", body)
                #expect(order.status == 201)
                #expect(
                    order.json?["orderStatus"] == (name == "bookId" ? "Book_Not_Verified" : "Customer_Not_Verified"))
            }
            for quantity: JSON in [2_147_483_648, "9223372036854775808"] {
                let body: JSONObject = [
                    "bookId": .integer(book), "customerId": .integer(customer), "quantity": quantity,
                ]
                expectProblem(try system.send("POST", "/orders", body), 400, naming: "quantity")
            }
            #expect(try system.order(book: book, customer: customer, quantity: 2_147_483_647) > 0)
        }
    }
}
