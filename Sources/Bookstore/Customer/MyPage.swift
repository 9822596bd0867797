// MyPage: one row an order, written by events alone; each may come twice. Ordered is the first word about an order in its
// partition, so whatever else finds no row is about an order that never was. Only a cancel is noted all the same: an Ordered
// that was put aside as a dead letter may still be replayed after it.
import BookstoreContracts
import Worker

extension CustomerService {
    /// The row lives with the order, the name with the customer: it is asked for by a command and comes by another.
    static func beginPage(_ event: Ordered, _ turn: Turn) throws {
        let isNew = try turn.execute(
            """
            INSERT INTO myPages (orderId, orderStatus, customerId, bookId, quantity, deliveryAddress)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING
            """,
            [
                .integer(event.orderId), .text(try firstStatus(event.orderId, turn)), .integer(event.customerId),
                .integer(event.bookId),
                .integer(event.quantity), event.deliveryAddress.map(Value.text) ?? .null,
            ])
        if isNew > 0 { turn.send(LookUpName(customerId: event.customerId, orderId: event.orderId)) }
    }

    private static func firstStatus(_ orderID: Int64, _ turn: Turn) throws -> String {
        let canceled = try turn.row("SELECT 1 FROM earlyCancels WHERE orderId = ?1", [.integer(orderID)])
        return canceled == nil ? OrderStatus.ordered : OrderStatus.canceled
    }

    static func markPageCanceled(_ event: OrderCanceled, _ turn: Turn) throws {
        try turn.execute(
            """
            INSERT INTO earlyCancels (orderId) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM myPages WHERE orderId = ?1)
            ON CONFLICT DO NOTHING
            """, [.integer(event.orderId)])
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
        guard let row = try turn.row("SELECT * FROM myPages WHERE orderId = ?1", [.integer(orderID)]) else { return }
        let before = PageStatus(order: try row.text("orderStatus"), delivery: try row.textOrNull("deliveryStatus"))
        var status = before
        news(&status)
        guard status != before else { return }
        try turn.execute(
            "UPDATE myPages SET orderStatus = ?2, deliveryStatus = ?3 WHERE orderId = ?1",
            [.integer(orderID), .text(status.order), status.delivery.map(Value.text) ?? .null])
    }
}
