// MyPage: one row an order, written by events alone. Each event may be the first or come twice; the row ends the same.
import BookstoreContracts
import Worker

extension CustomerService {
    /// The row lives with the order, the name with the customer: it is asked for by a command and comes by another.
    static func beginPage(_ event: Ordered, _ turn: Turn) throws {
        try openPage(event.orderId, turn)
        let changed = try turn.execute(
            """
            UPDATE myPages SET customerId = ?2, bookId = ?3, quantity = ?4, deliveryAddress = ?5
            WHERE orderId = ?1 AND customerId IS NULL
            """,
            [
                .integer(event.orderId), .integer(event.customerId), .integer(event.bookId), .integer(event.quantity),
                event.deliveryAddress.map(Value.text) ?? .null,
            ])
        if changed > 0 { turn.send(LookUpName(customerId: event.customerId, orderId: event.orderId)) }
    }

    static func markPageCanceled(_ event: OrderCanceled, _ turn: Turn) throws {
        try follow(event.orderId, turn) { $0.orderCanceled() }
    }

    static func followPreparation(_ event: DeliveryPrepared, _ turn: Turn) throws {
        try follow(event.orderId, turn) { $0.deliveryMoved(to: OrderStatus.deliveryPrepared) }
    }

    static func followDelivery(_ event: DeliveryStatusChanged, _ turn: Turn) throws {
        try follow(event.orderId, turn) { $0.deliveryMoved(to: event.deliveryStatus) }
        try turn.execute(
            "UPDATE myPages SET deliveryId = ?2 WHERE orderId = ?1 AND deliveryId IS NULL",
            [.integer(event.orderId), .integer(event.id)])
    }

    private static func follow(_ orderID: Int64, _ turn: Turn, _ news: (inout PageStatus) -> Void) throws {
        try openPage(orderID, turn)
        guard let row = try turn.row("SELECT * FROM myPages WHERE orderId = ?1", [.integer(orderID)]) else { return }
        let before = PageStatus(order: try row.text("orderStatus"), delivery: try row.textOrNull("deliveryStatus"))
        var status = before
        news(&status)
        guard status != before else { return }
        try turn.execute(
            "UPDATE myPages SET orderStatus = ?2, deliveryStatus = ?3 WHERE orderId = ?1",
            [.integer(orderID), .text(status.order), status.delivery.map(Value.text) ?? .null])
    }

    private static func openPage(_ orderID: Int64, _ turn: Turn) throws {
        try turn.execute(
            "INSERT INTO myPages (orderId, orderStatus) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            [.integer(orderID), .text(OrderStatus.ordered)])
    }
}
