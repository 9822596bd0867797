// Any interleaving, anything twice: at rest stock is conserved and all four services tell the same story.
import BookstoreContracts
import Contract
import Testing
import Wire
import Worker

struct SagaPropertyTests {
    /// Knuth's generator: a seed must give the same run everywhere.
    struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // The low bits of such a generator repeat soon.
            return (state >> 32) | (state << 32)
        }
        mutating func roll(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &self) }
        mutating func happens(inAHundred chances: Int64) -> Bool { roll(1...100) <= chances }
    }

    static let books: ClosedRange<Int64> = 1...3
    static let customers: ClosedRange<Int64> = 1...2
    static let firstStock: Int64 = 20

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func anyInterleaving(seed: UInt64) throws {
        var dice = Dice(state: seed &* 0x9E37_79B9_7F4A_7C15)
        let shop = try Shop(shards: Int32(dice.roll(1...5)))
        var run = try Run(shop)
        for _ in 0..<400 { try run.step(&dice) }
        while !shop.busy.isEmpty || !shop.parked.isEmpty { try run.deliver(&dice) }
        try run.check(seed)
    }

    struct Run {
        let shop: Shop
        var received: [Int64: Int64] = [:]
        var cancels: [Int] = []

        init(_ shop: Shop) throws {
            self.shop = shop
            // Ids go round the shards, so that these are 1, 2, 3.
            for id in customers {
                try shop.request(
                    .post, Bookstore.customerService, Bookstore.customers, shardOf: id,
                    ["customerName": .string("c\(id)")])
            }
            for id in books {
                try shop.request(
                    .post, Bookstore.inventoryService, Bookstore.books, shardOf: id,
                    ["bookName": "b", "stock": .integer(firstStock)])
            }
        }

        mutating func step(_ dice: inout Dice) throws {
            switch dice.roll(1...100) {
            case 1...12: try place(&dice)
            case 13...20: try cancel(&dice)
            case 21...23: try receive(&dice)
            case 24...28: try carry(&dice)
            case 29...36: try duplicate(&dice)
            default: try deliver(&dice)
            }
        }

        /// One message to one shard, or the answers to one parked request.
        func deliver(_ dice: inout Dice) throws {
            if !shop.parked.isEmpty, shop.busy.isEmpty || dice.happens(inAHundred: 20) {
                let isDown = dice.happens(inAHundred: 5)
                return try shop.answer(Int.random(in: 0..<shop.parked.count, using: &dice)) { _ in isDown }
            }
            guard let desk = shop.busy.randomElement(using: &dice) else { return }
            try shop.read(desk, commandFirst: dice.happens(inAHundred: 50))
        }

        func place(_ dice: inout Dice) throws {
            // One customer and one book more than there are.
            try shop.request(
                .post, Bookstore.orderService, Bookstore.orders, shardOf: dice.roll(1...Int64(shop.shards.count)),
                [
                    "bookId": .integer(dice.roll(1...4)), "customerId": .integer(dice.roll(1...3)),
                    "quantity": .integer(dice.roll(1...8)), "deliveryAddress": .null,
                ])
        }

        mutating func cancel(_ dice: inout Dice) throws {
            let ids = try shop.rows(Bookstore.orderService, "SELECT orderId FROM orders").map {
                try $0.integer("orderId")
            }
            guard let id = ids.randomElement(using: &dice) else { return }
            for _ in 0..<2 {
                cancels.append(
                    try shop.request(.delete, Bookstore.orderService, Bookstore.orders, id: id, shardOf: id))
            }
        }

        mutating func receive(_ dice: inout Dice) throws {
            let (book, quantity) = (dice.roll(books), dice.roll(1...15))
            try shop.request(
                .post, Bookstore.inventoryService, Bookstore.stockInputs, shardOf: book,
                ["bookId": .integer(book), "quantity": .integer(quantity)])
            received[book, default: 0] += quantity
        }

        func carry(_ dice: inout Dice) throws {
            let ids = try shop.rows(Bookstore.deliveryService, "SELECT id FROM deliveries").map { try $0.integer("id") }
            guard let id = ids.randomElement(using: &dice) else { return }
            let words = ["ShippingCompleted", "Ordered", "CancelDelivery", "Shipped"]
            try shop.request(
                .patch, Bookstore.deliveryService, Bookstore.deliveries, id: id, shardOf: id,
                ["deliveryStatus": .string(words[Int(dice.roll(0...3))])])
        }

        func duplicate(_ dice: inout Dice) throws {
            if dice.happens(inAHundred: 50), let letter = shop.published.randomElement(using: &dice) {
                try shop.repeatEvent(letter, subject: letter.fields.integerOrNil("orderId") ?? 1)
            } else if let desk = shop.desks.randomElement(using: &dice),
                let letter = desk.commands.randomElement(using: &dice)
            {
                shop.repeatCommand(desk, letter)
            }
        }

        // MARK: - At rest

        func check(_ seed: UInt64) throws {
            try checkStock(seed)
            try checkAgreement(seed)
            let canceled = shop.published.filter { $0.type == "OrderCanceled" }
            let accepted = cancels.filter { shop.replies[$0]?.status == 204 }
            #expect(canceled.count == accepted.count, "seed \(seed)")
        }

        func checkStock(_ seed: UInt64) throws {
            for row in try shop.rows(Bookstore.inventoryService, "SELECT * FROM books") {
                let id = try row.integer("bookId")
                let taken = try shop.rows(
                    Bookstore.inventoryService,
                    "SELECT quantity FROM deliverables WHERE bookId = \(id) AND status = 'Delivery_Prepared'"
                ).reduce(0) { try $0 + $1.integer("quantity") }
                let stock = try row.integer("stock")
                #expect(stock >= 0, "seed \(seed), book \(id)")
                #expect(stock == firstStock + received[id, default: 0] - taken, "seed \(seed), book \(id)")
            }
        }

        func checkAgreement(_ seed: UInt64) throws {
            let orders = try table(Bookstore.orderService, "orders")
            let deliverables = try table(Bookstore.inventoryService, "deliverables")
            let deliveries = try table(Bookstore.deliveryService, "deliveries")
            let pages = try table(Bookstore.customerService, "myPages")
            let forwarded = shop.published.filter { $0.type == "Ordered" }
            for event in forwarded {
                let id = try event.fields.integer("orderId")
                let order = try orders[id]?.first?.text("orderStatus")
                let delivery = try deliveries[id]?.first?.text("deliveryStatus")
                let page = try #require(pages[id]?.first, "seed \(seed), order \(id)")
                let story = [
                    order, try deliverables[id]?.first?.text("status"), delivery, try page.text("orderStatus"),
                    try page.textOrNull("deliveryStatus"),
                ]
                let legal: [[String?]] = [
                    [nil, "DeliveryCanceled", "CancelDelivery", "CANCELED", "CancelDelivery"],
                    ["Ordered", "Stock_Lacked", "CreateDelivery", "Ordered", nil],
                    [order, "Delivery_Prepared", order, order, order],
                ]
                #expect(legal.contains(story), "seed \(seed), order \(id)")
                #expect(order.map { $0 == "Ordered" || $0 == "Shipped" || $0 == "ShippingCompleted" } ?? true)
                #expect(try page.text("customerName") == "c\(try page.integer("customerId"))", "seed \(seed)")
            }
            // One row each, and none for an order that was not told to the others.
            for rows in [deliverables, deliveries, pages] {
                #expect(rows.count == forwarded.count, "seed \(seed)")
                #expect(rows.values.allSatisfy { $0.count == 1 }, "seed \(seed)")
            }
        }

        func table(_ service: ServiceContract, _ name: String) throws -> [Int64: [Row]] {
            Dictionary(grouping: try shop.rows(service, "SELECT * FROM \(name)")) {
                (try? $0.integer("orderId")) ?? 0
            }
        }
    }
}
