// CNA-F4 to F6, N3: when an order is taken, and that it is never changed.
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct Orders {
        @Test("CNA-F4 an order needs a customer and a book; N3 one without is told to nobody", arguments: Shape.all)
        func cnaF4OrderNeedsCustomerAndBook(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 10), try system.customer())
            let nobody: Int64 = 999_999_999_999
            let cases: [(book: Int64, customer: Int64, status: String)] = [
                (book, customer, "Ordered"), (book, nobody, "Customer_Not_Verified"),
                (nobody, customer, "Book_Not_Verified"), (nobody, nobody, "Customer_Not_Verified"),
            ]
            let orders = try cases.map { try system.order(book: $0.book, customer: $0.customer, quantity: 1) }
            try system.letEverythingArrive()
            for (order, expected) in zip(orders, cases) where expected.status != "Ordered" {
                #expect(try system.item("/orders/\(order)")["orderStatus"] == .string(expected.status))
                #expect(try system.history(ofOrder: order) == [], "told to nobody")
                #expect(try system.deliverable(ofOrder: order) == nil)
                expectProblem(try system.get("/deliveries/\(order)"), 404)
                expectProblem(try system.get("/myPages/\(order)"), 404)
                expectProblem(try system.send("DELETE", "/orders/\(order)"), 409, naming: expected.status)
            }
            try system.awaitShipped(orders[0])
            #expect(try system.stock(ofBook: book) == 9)
        }

        @Test("CNA-F5 an order is accepted without stock; N4 missing stock blocks nobody", arguments: Shape.all)
        func cnaF5OrderWithoutStock(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, order) = try system.order(quantity: 101, stock: 100)
            #expect(try system.item("/orders/\(order)")["orderStatus"] == "Ordered")
            let event = try system.awaitEvent("Ordered", "orderId", order)
            #expect(event["quantity"] == 101)
            #expect(
                event.object?.names == [
                    "eventType", "timestamp", "orderId", "bookId", "customerId", "quantity", "deliveryAddress",
                    "orderStatus",
                ])
            try system.awaitLacking(order)
            #expect(try system.stock(ofBook: book) == 100)
            let next = try system.order(book: book, customer: system.customer(), quantity: 100)
            try system.awaitShipped(next)
        }

        @Test("CNA-F6 an order is never modified", arguments: Shape.all)
        func cnaF6NoModification(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (_, order) = try system.order(quantity: 2, stock: 1)
            try system.awaitLacking(order)
            let before = try system.item("/orders/\(order)")
            for method in ["PUT", "PATCH"] {
                let answer = try system.send(method, "/orders/\(order)", ["quantity": 1, "orderStatus": "Shipped"])
                expectProblem(answer, 405)
                #expect(answer.header("allow")?.contains(method) == false)
            }
            #expect(try system.item("/orders/\(order)") == before)
            #expect(try system.history(ofOrder: order) == ["Ordered"])
        }
    }
}
