// CNA-F7 to F12: from `Ordered` to the carrier's last word.
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct Preparation {
        @Test("CNA-F7, F10, F11 prepared, delivery made, shipped, order told", arguments: Shape.all)
        func cnaF7F10F11FromOrderedToShipped(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 100), try system.customer("hong gil dong"))
            let order = try system.order(book: book, customer: customer, quantity: 50, address: "bundang gu")
            try system.awaitShipped(order)
            #expect(try system.stock(ofBook: book) == 50)
            let deliverable = try #require(try system.deliverable(ofOrder: order))
            #expect(deliverable["status"] == "Delivery_Prepared")
            #expect(deliverable["quantity"] == 50)
            #expect(deliverable["bookId"] == .integer(book))
            let delivery = try system.item("/deliveries/\(order)")
            #expect(delivery["deliveryAddress"] == "bundang gu")
            #expect(delivery["deliveryStatus"] == "Shipped")
            let history = try system.events().filter { $0["orderId"].integer == order }
            #expect(history.map { $0["eventType"] } == ["Ordered", "DeliveryPrepared", "DeliveryStatusChanged"])
            #expect(history[1].object?.names == ["eventType", "timestamp", "id", "orderId", "status"])
            #expect(history[1]["id"] == .null)
            #expect(history[1]["status"] == "Delivery_Prepared")
            #expect(history[2].object?.names == ["eventType", "timestamp", "id", "orderId", "deliveryStatus"])
            #expect(history[2]["deliveryStatus"] == "Shipped")
        }

        @Test("CNA-F10 a delivery is made when it was ordered, with its address", arguments: Shape.all)
        func cnaF10DeliveryCreated(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (_, order) = try system.order(quantity: 2, stock: 1)
            try system.awaitItem(
                "/deliveries/\(order)",
                ["orderId": .integer(order), "deliveryAddress": "bundang gu", "deliveryStatus": "CreateDelivery"])
        }

        @Test("CNA-F8 shortage, then stock input: 100 - 50 + 200 - 100 = 150", arguments: Shape.all)
        func cnaF8ShortageThenStockInput(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 100), try system.customer("bak na re"))
            try system.awaitShipped(try system.order(book: book, customer: customer, quantity: 50))
            let order = try system.order(book: book, customer: customer, quantity: 100, address: "incheon si")
            try system.awaitLacking(order)
            #expect(try system.stock(ofBook: book) == 50)

            #expect(try system.stockInput(book: book, quantity: 20).status == 200)
            try system.awaitItem("/books/\(book)", ["stock": 70])
            #expect(try system.deliverable(ofOrder: order)?["status"] == "Stock_Lacked", "not enough yet")
            #expect(try system.history(ofOrder: order) == ["Ordered"])

            let answer = try system.stockInput(book: book, quantity: 180)
            #expect(answer.status == 200)
            #expect(answer.json?.object?.names == ["id", "bookId", "quantity", "inCharger"])
            try system.awaitShipped(order)
            #expect(try system.stock(ofBook: book) == 150)
            #expect(try system.deliverable(ofOrder: order)?["status"] == "Delivery_Prepared")
            #expect(try system.history(ofOrder: order) == ["Ordered", "DeliveryPrepared", "DeliveryStatusChanged"])
        }

        @Test("CNA-F9 who waits is served in order of ids; who does not fit is skipped", arguments: Shape.all)
        func cnaF9AllocationOrderAndSkip(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 0), try system.customer())
            // Shards hand out ids by themselves, so a later order may have the smaller id.
            let orders = try [Int64(100), 30, 20, 30].map { quantity in
                let order = try system.order(book: book, customer: customer, quantity: quantity)
                try system.awaitLacking(order)
                return (id: order, quantity: quantity)
            }
            _ = try system.stockInput(book: book, quantity: 60)
            var rest: Int64 = 60
            for order in orders.sorted(by: { $0.id < $1.id }) {
                let fits = order.quantity <= rest
                if fits {
                    rest -= order.quantity
                    try system.awaitShipped(order.id)
                }
                let status = fits ? "Delivery_Prepared" : "Stock_Lacked"
                #expect(try system.deliverable(ofOrder: order.id)?["status"] == .string(status))
            }
            #expect(try system.stock(ofBook: book) == rest)
        }

        @Test("CNA-F12 the carrier's word reaches order and MyPage", arguments: Shape.all)
        func cnaF12CarrierStatus(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (_, order) = try system.order(quantity: 1, stock: 1)
            try system.awaitShipped(order)
            let answer = try system.send("PATCH", "/deliveries/\(order)", ["deliveryStatus": "ShippingCompleted"])
            #expect(answer.status == 200)
            #expect(answer.json?["deliveryStatus"] == "ShippingCompleted")
            try system.awaitItem("/orders/\(order)", ["orderStatus": "ShippingCompleted"])
            try system.awaitItem(
                "/myPages/\(order)",
                ["orderStatus": "ShippingCompleted", "deliveryStatus": "ShippingCompleted"])
            let changes = try system.events("DeliveryStatusChanged", "orderId", order)
            #expect(changes.map { $0["deliveryStatus"] } == ["Shipped", "ShippingCompleted"])
            #expect(changes.last?["id"] == .integer(order))
        }
    }
}
