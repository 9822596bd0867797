// CNA-F13 to F15, N5: what is cancelled, what that does, and that nothing is forgotten.
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct Cancelling {
        @Test("CNA-F13, F14, N5 a cancel while Ordered reaches everybody; MyPage keeps it", arguments: Shape.all)
        func cnaF13F14N5CancelWhileOrdered(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, order) = try system.order(quantity: 60, stock: 50)
            try system.awaitLacking(order)
            #expect(try system.send("DELETE", "/orders/\(order)").status == 204)
            expectProblem(try system.get("/orders/\(order)"), 404)
            expectProblem(try system.send("DELETE", "/orders/\(order)"), 404)
            try system.awaitDeliverable(ofOrder: order, "DeliveryCanceled")
            try system.awaitItem("/deliveries/\(order)", ["deliveryStatus": "CancelDelivery"])
            try system.awaitItem("/myPages/\(order)", ["orderStatus": "CANCELED", "deliveryStatus": "CancelDelivery"])

            _ = try system.stockInput(book: book, quantity: 100)
            let later = try system.order(book: book, customer: system.customer(), quantity: 1)
            try system.awaitShipped(later)
            #expect(try system.stock(ofBook: book) == 149, "a later stock input passes it over")
            #expect(try system.deliverable(ofOrder: order)?["status"] == "DeliveryCanceled")
            #expect(
                try system.history(ofOrder: order) == ["Ordered", "OrderCanceled", "DeliveryStatusChanged"])
            let event = try system.awaitEvent("OrderCanceled", "orderId", order)
            #expect(event.object?.names == ["eventType", "timestamp", "orderId", "status"])
            #expect(event["status"] == "CANCELED")
        }

        @Test("CNA-F13 what is shipped cannot be cancelled", arguments: Shape.all)
        func cnaF13NoCancelOnceShipped(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, order) = try system.order(quantity: 1, stock: 5)
            try system.awaitShipped(order)
            expectProblem(try system.send("DELETE", "/orders/\(order)"), 409, naming: "Shipped")
            #expect(try system.item("/orders/\(order)")["orderStatus"] == "Shipped")
            // Whatever the refused cancel had published would lie before this in the order's partition.
            _ = try system.send("PATCH", "/deliveries/\(order)", ["deliveryStatus": "ShippingCompleted"])
            try system.awaitItem("/orders/\(order)", ["orderStatus": "ShippingCompleted"])
            #expect(try system.events("OrderCanceled", "orderId", order).isEmpty)
            #expect(try system.stock(ofBook: book) == 4)
        }

        @Test("CNA-F15 MyPage shows every order of a customer, cancelled ones too", arguments: Shape.all)
        func cnaF15MyPageShowsAll(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 10), try system.customer("hong gil dong"))
            let shipped = try system.order(book: book, customer: customer, quantity: 10)
            try system.awaitShipped(shipped)
            let waiting = try system.order(book: book, customer: customer, quantity: 1)
            let cancelled = try system.order(book: book, customer: customer, quantity: 2)
            try system.awaitLacking(waiting)
            try system.awaitLacking(cancelled)
            #expect(try system.send("DELETE", "/orders/\(cancelled)").status == 204)
            try system.awaitItem("/myPages/\(cancelled)", ["orderStatus": "CANCELED"])

            let list = try system.item("/myPages?customerId=\(customer)")
            let rows = list["_embedded"]["myPages"].array ?? []
            let statuses = Dictionary(
                uniqueKeysWithValues: rows.map { ($0["orderId"].integer ?? 0, $0["orderStatus"]) })
            #expect(statuses == [shipped: "Shipped", waiting: "Ordered", cancelled: "CANCELED"])
            #expect(rows.allSatisfy { $0["customerName"] == "hong gil dong" })
            #expect(list["page"]["totalElements"] == 3)
            let answer = try system.get("/myPages/\(waiting)", headers: [(name: "Prefer", value: "wait=5")])
            #expect(answer.status == 200)
        }
    }
}
