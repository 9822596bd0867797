// News of an order arrives in the order's shard, the stock is in the book's: it is passed on by commands. What is noted
// here makes a second Ordered or OrderCanceled harmless, and lets a cancel overtake its order.
import BookstoreContracts
import Worker

extension InventoryService {
    static func passOrderToItsBook(_ event: Ordered, _ turn: Turn) throws {
        let isNew = try turn.execute(
            """
            INSERT INTO orderBooks (orderId, bookId, quantity, isCanceled) VALUES (?1, ?2, ?3, 0)
            ON CONFLICT DO NOTHING
            """, [.integer(event.orderId), .integer(event.bookId), .integer(event.quantity)])
        guard isNew > 0 else { return }
        turn.send(PrepareDelivery(bookId: event.bookId, orderId: event.orderId, quantity: event.quantity))
    }

    static func passCancelToItsBook(_ event: OrderCanceled, _ turn: Turn) throws {
        let order = try turn.row("SELECT * FROM orderBooks WHERE orderId = ?1", [.integer(event.orderId)])
        guard let order else {
            // Nothing was prepared, and nothing will be.
            try turn.execute(
                "INSERT INTO orderBooks (orderId, isCanceled) VALUES (?1, 1)", [.integer(event.orderId)])
            return
        }
        guard try order.integer("isCanceled") == 0 else { return }
        try turn.execute("UPDATE orderBooks SET isCanceled = 1 WHERE orderId = ?1", [.integer(event.orderId)])
        turn.send(
            CancelDeliverable(
                bookId: try order.integer("bookId"), orderId: event.orderId, quantity: try order.integer("quantity")))
    }
}
