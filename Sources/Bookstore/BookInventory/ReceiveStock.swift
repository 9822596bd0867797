// Copies come in: the stock rises, and the orders that lack the book are served, the oldest first.
import BookstoreContracts
import Wire
import Worker

extension InventoryService {
    static func receiveStock(_ request: Request, _ turn: Turn) throws -> Outcome {
        let bookID = try request.body.identifier("bookId")
        let quantity = try request.body.integer("quantity")
        guard let stock = try stock(ofBook: bookID, turn) else {
            throw Problem.notFound("book \(bookID) does not exist")
        }
        guard let raised = StockRules.raise(stock, by: quantity) else {
            throw Problem.conflict(
                "book \(bookID) has a stock of \(stock): \(quantity) more would exceed \(Bookstore.quantityMax)")
        }
        try serveLacking(ofBook: bookID, from: raised, turn)

        let id = try turn.nextID("stockInputs")
        try turn.execute(
            "INSERT INTO stockInputs (id, bookId, quantity, inCharger) VALUES (?1, ?2, ?3, ?4)",
            [.integer(id), .integer(bookID), .integer(quantity), Value(request.body["inCharger"])])
        guard let row = try turn.row("SELECT * FROM stockInputs WHERE id = ?1", [.integer(id)]) else {
            throw Problem(500, "stock input \(id) was not stored")
        }
        return .created(id, Bookstore.stockInputs.item(row))
    }

    private static func serveLacking(ofBook bookID: Int64, from stock: Int64, _ turn: Turn) throws {
        // What does not fit into the whole stock never fits, so it need not be looked at.
        let lacking = try turn.rows(
            """
            SELECT deliverableId, orderId, quantity FROM deliverables
            WHERE bookId = ?1 AND status = 'Stock_Lacked' AND quantity <= ?2 ORDER BY orderId
            """, [.integer(bookID), .integer(stock)])
        let allocation = StockRules.allocate(
            stock,
            to: try lacking.map {
                Lacking(
                    deliverableID: try $0.integer("deliverableId"), orderID: try $0.integer("orderId"),
                    quantity: try $0.integer("quantity"))
            })
        for served in allocation.served {
            try setStatus(ofDeliverable: served.deliverableID, to: DeliverableStatus.deliveryPrepared, turn)
            turn.publish(DeliveryPrepared(orderId: served.orderID))
        }
        try setStock(ofBook: bookID, to: allocation.remaining, turn)
    }
}
