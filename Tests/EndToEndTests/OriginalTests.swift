// What the original services get wrong, as measured in the recording; a line of it each. Lines 2, 4, 5, 7 and 10 are in
// SystemTests, OutageTests, HostileTopicTests and RestartTests.
import Foundation
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct Originals {
        @Test("Original 1: 40 stock inputs at once add 40; of 4 cancels at once one cancels", arguments: Shape.all)
        func original1LostUpdates(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, order) = try system.order(quantity: 1_000, stock: 0)
            try system.awaitLacking(order)
            let inputs = try atOnce(40) { _ in try system.stockInput(book: book, quantity: 1).status }
            #expect(inputs == Array(repeating: 200, count: 40))
            #expect(try system.stock(ofBook: book) == 40)

            let cancels = try atOnce(4) { _ in try system.send("DELETE", "/orders/\(order)").status }
            #expect(cancels.sorted() == [204, 404, 404, 404])
            try system.awaitItem("/myPages/\(order)", ["orderStatus": "CANCELED", "deliveryStatus": "CancelDelivery"])
            #expect(try system.events("OrderCanceled", "orderId", order).count == 1)
        }

        @Test(
            "Original 3: a cancel right behind the order ends in one of two histories, stock conserved",
            arguments: Shape.all)
        func original3CancelRaces(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 100), try system.customer())
            let races = try atOnce(24) { number in
                let order = try system.order(book: book, customer: customer, quantity: 2)
                // From at once to long after: some cancels win, some lose.
                usleep(UInt32(number) * 1_500)
                return (order: order, status: try system.send("DELETE", "/orders/\(order)").status)
            }
            for race in races where race.status == 409 { try system.awaitShipped(race.order) }
            for race in races where race.status == 204 {
                try system.awaitItem(
                    "/myPages/\(race.order)", ["orderStatus": "CANCELED", "deliveryStatus": "CancelDelivery"])
            }
            let events = try system.events()
            for race in races {
                let history = events.filter { $0["orderId"].integer == race.order }.compactMap {
                    $0["eventType"].string
                }
                #expect([204, 409].contains(race.status))
                if race.status == 409 {
                    #expect(history == ["Ordered", "DeliveryPrepared", "DeliveryStatusChanged"])
                    #expect(try system.deliverable(ofOrder: race.order)?["status"] == "Delivery_Prepared")
                } else {
                    try system.awaitItem("/deliveries/\(race.order)", ["deliveryStatus": "CancelDelivery"])
                    try system.awaitDeliverable(ofOrder: race.order, "DeliveryCanceled")
                    expectProblem(try system.get("/orders/\(race.order)"), 404)
                    #expect(history.filter { $0 == "OrderCanceled" }.count == 1)
                }
            }
            let kept = Int64(races.filter { $0.status == 409 }.count)
            try system.awaitItem("/books/\(book)", ["stock": .integer(100 - 2 * kept)])
        }

        @Test("Original 6: MyPage keeps up with a burst of orders and shows where they are", arguments: Shape.all)
        func original6MyPageKeepsUp(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 1_000), try system.customer("burst"))
            let orders = try atOnce(10) { _ in
                try (0..<30).map { _ in try system.order(book: book, customer: customer, quantity: 1) }
            }.flatMap { $0 }
            #expect(Set(orders).count == 300)
            try eventually(timeout: 60, "300 rows in MyPage are Shipped", every: 200) {
                let list = try system.item("/myPages?customerId=\(customer)&size=1000")
                let rows = list["_embedded"]["myPages"].array ?? []
                return rows.filter { $0["orderStatus"] == "Shipped" && $0["deliveryStatus"] == "Shipped" }.count == 300
            }
            #expect(try system.stock(ofBook: book) == 700)
        }

        @Test("Original 8: no quantity is negative or missing", arguments: Shape.all)
        func original8NegativeQuantities(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 5), try system.customer())
            for quantity: JSON in [-5, 0, "-1", .null, ""] {
                let order = try system.send(
                    "POST", "/orders",
                    ["bookId": .integer(book), "customerId": .integer(customer), "quantity": quantity])
                expectProblem(order, 400, naming: "quantity")
                let input = try system.send("POST", "/stockInputs", ["bookId": .integer(book), "quantity": quantity])
                expectProblem(input, 400, naming: "quantity")
            }
            expectProblem(try system.stockInput(book: book, quantity: -10_000), 400, naming: "quantity")
            let withoutBook = try system.send("POST", "/orders", ["customerId": .integer(customer), "quantity": 1])
            expectProblem(withoutBook, 400, naming: "bookId")
            #expect(try system.stock(ofBook: book) == 5)
        }

        @Test("Original 9: a client sets neither id nor status", arguments: Shape.all)
        func original9ClientSetsNothing(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let first = try system.customer("first")
            let second = try system.send(
                "POST", "/customers", ["customerId": .integer(first), "customerName": "second"])
            #expect(second.status == 201)
            #expect(second.json?["customerId"] != .integer(first))
            #expect(try system.item("/customers/\(first)")["customerName"] == "first")

            let book = try system.book(stock: 5)
            let order = try system.send(
                "POST", "/orders",
                [
                    "orderId": 1, "bookId": .integer(book), "customerId": .integer(first), "quantity": 6,
                    "orderStatus": "Shipped",
                ])
            #expect(order.json?["orderStatus"] == "Ordered")
            let shipped = try system.order(book: book, customer: first, quantity: 5)
            try system.awaitShipped(shipped)
            for status: JSON in ["Ordered", "ORDERED", "CancelDelivery"] {
                expectProblem(try system.send("PATCH", "/deliveries/\(shipped)", ["deliveryStatus": status]), 409)
            }
            expectProblem(try system.send("DELETE", "/orders/\(shipped)"), 409)
            #expect(try system.item("/orders/\(shipped)")["orderStatus"] == "Shipped")
        }

        @Test("Original 11: what cannot be answered as asked is not done either", arguments: Shape.all)
        func original11NotAcceptable(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let before = try system.item("/books?size=1")["page"]["totalElements"]
            let answer = try system.send(
                "POST", "/books", ["bookName": "xml", "stock": 1], headers: [(name: "Accept", value: "application/xml")]
            )
            expectProblem(answer, 406)
            #expect(try system.item("/books?size=1")["page"]["totalElements"] == before)
        }
    }
}
