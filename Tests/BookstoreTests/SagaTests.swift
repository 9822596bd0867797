// The saga on real shards, step by step: the seeds' scenario, the cancel in each of its moments, and what comes twice.
import BookstoreContracts
import Contract
import Testing
import Wire

struct SagaTests {
    let shop: Shop

    /// The seeds' customers and books.
    init() throws {
        shop = try Shop(shards: 12)
        for (id, name) in [(1, "hong gil dong"), (2, "bak na re")] as [(Int64, String)] {
            try shop.request(
                .post, Bookstore.customerService, Bookstore.customers, shardOf: id, ["customerName": .string(name)])
        }
        for (id, name, stock) in [(1, "alice in a wonderland", 100), (2, "quobadis?", 50)] as [(Int64, String, Int64)] {
            try shop.request(
                .post, Bookstore.inventoryService, Bookstore.books, shardOf: id,
                ["bookName": .string(name), "stock": .integer(stock)])
        }
    }

    func order(_ id: Int64, book: Int64, customer: Int64, _ address: String, _ quantity: Int64) throws {
        let number = try shop.request(
            .post, Bookstore.orderService, Bookstore.orders, shardOf: id,
            [
                "bookId": .integer(book), "customerId": .integer(customer), "quantity": .integer(quantity),
                "deliveryAddress": .string(address),
            ])
        try shop.answer(0)
        #expect(shop.replies[number]?.status == 201)
        #expect(shop.replies[number]?.createdID == id)
    }

    func cancel(_ id: Int64) throws -> Int? {
        let number = try shop.request(
            .delete, Bookstore.orderService, Bookstore.orders, id: id, shardOf: id)
        return shop.replies[number]?.status
    }

    func receive(_ quantity: Int64, book: Int64) throws -> Int? {
        let number = try shop.request(
            .post, Bookstore.inventoryService, Bookstore.stockInputs, shardOf: book,
            ["bookId": .integer(book), "quantity": .integer(quantity), "inCharger": .null])
        return shop.replies[number]?.status
    }

    func carrier(_ id: Int64, says status: String) throws -> Int? {
        let number = try shop.request(
            .patch, Bookstore.deliveryService, Bookstore.deliveries, id: id, shardOf: id,
            ["deliveryStatus": .string(status)])
        return shop.replies[number]?.status
    }

    func stock(_ book: Int64) throws -> Int64? {
        try shop.rows(Bookstore.inventoryService, "SELECT stock FROM books WHERE bookId = \(book)").first?
            .integer("stock")
    }

    /// order, deliverable, delivery, MyPage's two: all that is shown about one order.
    func shown(_ id: Int64) throws -> [String] {
        let columns = [
            (Bookstore.orderService, "SELECT orderStatus AS s FROM orders WHERE orderId = \(id)"),
            (Bookstore.inventoryService, "SELECT status AS s FROM deliverables WHERE orderId = \(id)"),
            (Bookstore.deliveryService, "SELECT deliveryStatus AS s FROM deliveries WHERE orderId = \(id)"),
            (Bookstore.customerService, "SELECT orderStatus AS s FROM myPages WHERE orderId = \(id)"),
            (Bookstore.customerService, "SELECT deliveryStatus AS s FROM myPages WHERE orderId = \(id)"),
        ]
        return try columns.map { service, sql in
            let rows = try shop.rows(service, sql)
            return rows.isEmpty ? "none" : try rows.map { try $0.textOrNull("s") ?? "null" }.joined(separator: "+")
        }
    }

    var eventsSinceCustomers: [String] { shop.published.map(\.type).filter { $0 != "Registered" } }

    // MARK: - The seeds' scenario

    @Test("CNA-F7 CNA-F10 CNA-F11 the happy path") func happyPath() throws {
        try order(1, book: 1, customer: 1, "bundang gu", 50)
        try shop.settleAll()
        #expect(try shown(1) == ["Shipped", "Delivery_Prepared", "Shipped", "Shipped", "Shipped"])
        #expect(try stock(1) == 50)
        #expect(eventsSinceCustomers == ["Ordered", "DeliveryPrepared", "DeliveryStatusChanged"])
        let page = try #require(try shop.rows(Bookstore.customerService, "SELECT * FROM myPages").first)
        #expect(try page.text("customerName") == "hong gil dong")
        #expect(try page.integer("deliveryId") == 1)
    }

    @Test("CNA-F8 a shortage, then a stock input") func shortageThenStockInput() throws {
        try order(1, book: 1, customer: 1, "bundang gu", 50)
        try order(2, book: 1, customer: 2, "incheon si", 100)
        try shop.settleAll()
        #expect(try shown(2) == ["Ordered", "Stock_Lacked", "CreateDelivery", "Ordered", "null"])
        #expect(try receive(20, book: 1) == 201)
        #expect(try stock(1) == 70)
        #expect(try receive(180, book: 1) == 201)
        #expect(try stock(1) == 150)
        try shop.settleAll()
        #expect(try shown(2) == ["Shipped", "Delivery_Prepared", "Shipped", "Shipped", "Shipped"])
    }

    @Test("CNA-F9 who does not fit is skipped") func whoDoesNotFitIsSkipped() throws {
        try order(1, book: 2, customer: 1, "a", 100)
        try order(2, book: 2, customer: 1, "b", 60)
        try shop.settleAll()
        #expect(try receive(10, book: 2) == 201)
        try shop.settleAll()
        #expect(try shown(1)[1] == "Stock_Lacked")
        #expect(try shown(2)[1] == "Delivery_Prepared")
        #expect(try stock(2) == 0)
    }

    @Test("CNA-F12 what the carrier says") func carrierSpeaks() throws {
        try order(1, book: 1, customer: 1, "a", 1)
        #expect(try carrier(1, says: "ShippingCompleted") == 404)
        try shop.settleAll()
        #expect(try carrier(1, says: "ShippingCompleted") == 200)
        try shop.settleAll()
        #expect(
            try shown(1) == [
                "ShippingCompleted", "Delivery_Prepared", "ShippingCompleted", "ShippingCompleted", "ShippingCompleted",
            ])
        let events = eventsSinceCustomers.count
        #expect(try carrier(1, says: "ShippingCompleted") == 200)
        #expect(eventsSinceCustomers.count == events)
        #expect(try cancel(1) == 409)
    }

    @Test("CNA-F4 CNA-N3 unverified orders go nowhere") func unverifiedOrdersGoNowhere() throws {
        try order(1, book: 1, customer: 9, "a", 1)
        try order(2, book: 9, customer: 1, "a", 1)
        try order(3, book: 9, customer: 9, "a", 1)
        try shop.settleAll()
        #expect(try shown(1) == ["Customer_Not_Verified", "none", "none", "none", "none"])
        #expect(try shown(2) == ["Book_Not_Verified", "none", "none", "none", "none"])
        #expect(try shown(3) == ["Customer_Not_Verified", "none", "none", "none", "none"])
        #expect(eventsSinceCustomers == [])
        #expect(try cancel(1) == 409)
    }

    // MARK: - Cancel

    @Test("CNA-F13 CNA-F14 CNA-N5 the cancel of a lacking order") func cancelOfALackingOrder() throws {
        try order(1, book: 1, customer: 1, "a", 200)
        try shop.settleAll()
        #expect(try cancel(1) == 204)
        #expect(try cancel(1) == 404)
        try shop.settleAll()
        #expect(try receive(500, book: 1) == 201)
        try shop.settleAll()
        #expect(try shown(1) == ["none", "DeliveryCanceled", "CancelDelivery", "CANCELED", "CancelDelivery"])
        #expect(try stock(1) == 600)
        #expect(eventsSinceCustomers == ["Ordered", "OrderCanceled", "DeliveryStatusChanged"])
    }

    /// The original lost the stock, and shipped two of three.
    @Test func cancelRightAfterTheOrder() throws {
        try order(1, book: 1, customer: 1, "a", 50)
        #expect(try cancel(1) == 204)
        try shop.settleAll()
        #expect(try shown(1) == ["none", "DeliveryCanceled", "CancelDelivery", "CANCELED", "CancelDelivery"])
        #expect(try stock(1) == 100)
    }

    /// The cancel is decided while everybody but the order service knows already that the order is prepared and shipped.
    @Test func cancelWhenOthersHaveShipped() throws {
        try order(1, book: 1, customer: 1, "a", 50)
        while let desk = shop.busy.first(where: { $0.service.contract.name != "order" }) {
            try shop.read(desk, commandFirst: true)
        }
        #expect(try shown(1) == ["Ordered", "Delivery_Prepared", "Shipped", "Shipped", "Shipped"])
        #expect(try stock(1) == 50)
        #expect(try cancel(1) == 204)
        try shop.settleAll()
        #expect(try shown(1) == ["none", "DeliveryCanceled", "CancelDelivery", "CANCELED", "CancelDelivery"])
        #expect(try stock(1) == 100)
    }

    // MARK: - Twice

    @Test("X5 every message twice") func everyMessageTwice() throws {
        try order(1, book: 1, customer: 1, "a", 50)
        try order(2, book: 1, customer: 2, "b", 100)
        try shop.settleAll()
        #expect(try cancel(2) == 204)
        try shop.settleAll()
        let before = (try shown(1), try shown(2), try stock(1), shop.published.count)
        for letter in shop.published where letter.fields["orderId"] != nil {
            try shop.repeatEvent(letter, subject: try letter.fields.integer("orderId"))
        }
        for desk in shop.desks {
            for letter in desk.commands { shop.repeatCommand(desk, letter) }
        }
        try shop.settleAll()
        #expect(try shown(1) == before.0)
        #expect(try shown(2) == before.1)
        #expect(try stock(1) == before.2)
        #expect(shop.published.count == before.3)
    }

    @Test func cancelThatOvertakesItsOrder() throws {
        try shop.repeatEvent(
            Letter(type: "OrderCanceled", fields: OrderCanceled(orderId: 1).fields, isCommand: false), subject: 1)
        try shop.settleAll()
        let late = Ordered(orderId: 1, bookId: 1, customerId: 1, quantity: 50, deliveryAddress: nil)
        try shop.repeatEvent(Letter(type: "Ordered", fields: late.fields, isCommand: false), subject: 1)
        try shop.settleAll()
        #expect(try stock(1) == 100)
        #expect(try shown(1)[1] == "none")
        #expect(try shown(1)[3] == "CANCELED")
    }

    @Test func newsOfAnOrderThatNobodyPlacedMakesNoPage() throws {
        let news: [(String, JSONObject)] = [
            ("DeliveryPrepared", DeliveryPrepared(orderId: 9).fields),
            ("OrderCanceled", OrderCanceled(orderId: 9).fields),
            ("DeliveryStatusChanged", DeliveryStatusChanged(id: 9, orderId: 9, deliveryStatus: "Shipped").fields),
        ]
        for (type, fields) in news {
            try shop.repeatEvent(Letter(type: type, fields: fields, isCommand: false), subject: 9)
        }
        try shop.settleAll()
        #expect(try shown(9).allSatisfy { $0 == "none" })
    }

    /// The original raised the stock by 9, and published up to 3 cancels.
    @Test func fortyStockInputsAndFourCancels() throws {
        for _ in 0..<40 { #expect(try receive(1, book: 1) == 201) }
        #expect(try stock(1) == 140)
        try order(1, book: 1, customer: 1, "a", 500)
        let answers = try (0..<4).map { _ in try cancel(1) }
        #expect(answers == [204, 404, 404, 404])
        #expect(eventsSinceCustomers == ["Ordered", "OrderCanceled"])
    }

    // MARK: - Limits and odds

    @Test func stockInputsAreRefusedBeyondTheLimitAndForUnknownBooks() throws {
        #expect(try receive(Bookstore.quantityMax, book: 1) == 409)
        #expect(try receive(1, book: 7) == 404)
        #expect(try stock(1) == 100)
        #expect(try shop.rows(Bookstore.inventoryService, "SELECT * FROM stockInputs").isEmpty)
    }

    @Test func deletedBooksAndCustomersLeaveOrdersAsTheyAre() throws {
        try order(1, book: 1, customer: 1, "a", 500)
        try shop.request(.delete, Bookstore.inventoryService, Bookstore.books, id: 1, shardOf: 1)
        try shop.request(.delete, Bookstore.customerService, Bookstore.customers, id: 1, shardOf: 1)
        try shop.settleAll()
        #expect(try shown(1) == ["Ordered", "Stock_Lacked", "CreateDelivery", "Ordered", "null"])
        #expect(try receive(1, book: 1) == 404)
        #expect(try cancel(1) == 204)
        try shop.settleAll()
        #expect(try shown(1) == ["none", "DeliveryCanceled", "CancelDelivery", "CANCELED", "CancelDelivery"])
    }

    @Test("CNA-F1 CNA-F2 customers tell only what changed") func customersTellOnlyWhatChanged() throws {
        func change(_ method: Contract.Method, _ body: JSONObject) throws -> Int? {
            let number = try shop.request(
                method, Bookstore.customerService, Bookstore.customers, id: 1, shardOf: 1, body)
            return shop.replies[number]?.status
        }
        #expect(try change(.patch, ["customerName": "hong gil dong"]) == 200)
        #expect(try change(.patch, [:]) == 200)
        #expect(shop.published.map(\.type) == ["Registered", "Registered"])
        #expect(try change(.patch, ["customerName": "hong"]) == 200)
        #expect(try change(.put, ["customerName": "gil"]) == 200)
        #expect(try change(.delete, [:]) == 204)
        #expect(try change(.delete, [:]) == 404)
        #expect(try change(.put, ["customerName": "gil"]) == 404)
        #expect(shop.published.map(\.type).dropFirst(2) == ["Changed", "Changed", "Deleted"])
    }

    @Test("CNA-F3 books change in whole and in part") func booksChangeInWholeAndInPart() throws {
        func change(_ method: Contract.Method, _ body: JSONObject) throws -> String {
            let number = try shop.request(
                method, Bookstore.inventoryService, Bookstore.books, id: 2, shardOf: 2, body)
            return String(decoding: shop.replies[number]?.body ?? [], as: UTF8.self)
        }
        #expect(try change(.patch, ["stock": 7]) == #"{"bookId":2,"bookName":"quobadis?","stock":7}"#)
        #expect(try change(.put, ["bookName": "x", "stock": 0]) == #"{"bookId":2,"bookName":"x","stock":0}"#)
        #expect(shop.published.count == 2, "the two customers alone were published")
    }
}
