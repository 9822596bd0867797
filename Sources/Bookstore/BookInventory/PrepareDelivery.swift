// In the book's shard: put the copies of an order aside if the stock allows, or note that they are lacking.
import BookstoreContracts
import Contract
import Wire
import Worker

struct PrepareDelivery: Command {
    static let schema = MessageSchema(
        "PrepareDelivery", "Put the copies of an order aside",
        fields: [
            .identifier("bookId"), .identifier("orderId"), .integer("quantity", in: 1...Bookstore.quantityMax),
        ])
    let bookId: Int64
    let orderId: Int64
    let quantity: Int64
    var target: Int64 { bookId }

    init(bookId: Int64, orderId: Int64, quantity: Int64) {
        self.bookId = bookId
        self.orderId = orderId
        self.quantity = quantity
    }

    init(fields: JSONObject) throws(Problem) {
        bookId = try fields.identifier("bookId")
        orderId = try fields.identifier("orderId")
        quantity = try fields.integer("quantity")
    }

    var fields: JSONObject {
        ["bookId": .integer(bookId), "orderId": .integer(orderId), "quantity": .integer(quantity)]
    }
}

extension InventoryService {
    static func prepareDelivery(_ command: PrepareDelivery, _ turn: Turn) throws {
        // Prepared, lacking or cancelled already: this order has its deliverable.
        guard try deliverable(ofOrder: command.orderId, turn) == nil else { return }
        // A book that was deleted after the order was verified has no stock to give.
        let stock = try stock(ofBook: command.bookId, turn) ?? 0
        guard let remaining = StockRules.take(command.quantity, from: stock) else {
            try addDeliverable(command, DeliverableStatus.stockLacked, turn)
            return
        }
        try setStock(ofBook: command.bookId, to: remaining, turn)
        try addDeliverable(command, DeliverableStatus.deliveryPrepared, turn)
        turn.publish(DeliveryPrepared(orderId: command.orderId))
    }

    // MARK: - Deliverables

    static func deliverable(ofOrder id: Int64, _ turn: Turn) throws -> Row? {
        try turn.row("SELECT * FROM deliverables WHERE orderId = ?1", [.integer(id)])
    }

    static func addDeliverable(_ order: PrepareDelivery, _ status: String, _ turn: Turn) throws {
        try turn.execute(
            """
            INSERT INTO deliverables (deliverableId, orderId, bookId, quantity, status) VALUES (?1, ?2, ?3, ?4, ?5)
            """,
            [
                .integer(try turn.nextID("deliverables")), .integer(order.orderId), .integer(order.bookId),
                .integer(order.quantity), .text(status),
            ])
    }

    static func setStatus(ofDeliverable id: Int64, to status: String, _ turn: Turn) throws {
        try turn.execute(
            "UPDATE deliverables SET status = ?2 WHERE deliverableId = ?1", [.integer(id), .text(status)])
    }
}
