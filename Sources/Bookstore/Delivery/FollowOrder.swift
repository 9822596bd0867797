// A delivery is made with its order, shipped when the copies are put aside, cancelled with its order. Ordered is the
// first word about an order in its partition, so whatever else finds no delivery is about an order that never was.
import BookstoreContracts
import Worker

extension DeliveryService {
    /// Nobody is told: the delivery has not moved yet.
    static func createDelivery(_ event: Ordered, _ turn: Turn) throws {
        try turn.execute(
            """
            INSERT INTO deliveries (id, orderId, deliveryAddress, deliveryStatus) VALUES (?1, ?1, ?2, ?3)
            ON CONFLICT DO NOTHING
            """,
            [
                .integer(event.orderId), event.deliveryAddress.map(Value.text) ?? .null,
                .text(DeliveryStatus.createDelivery),
            ])
    }

    static func ship(_ event: DeliveryPrepared, _ turn: Turn) throws {
        guard let row = try delivery(event.orderId, turn),
            DeliveryRules.canBeShipped(try row.text("deliveryStatus"))
        else { return }
        try move(event.orderId, to: DeliveryStatus.shipped, turn)
    }

    /// Even one that is on its way: the order service has the last word.
    static func cancelDelivery(_ event: OrderCanceled, _ turn: Turn) throws {
        guard let row = try delivery(event.orderId, turn),
            DeliveryRules.canBeCanceled(try row.text("deliveryStatus"))
        else { return }
        try move(event.orderId, to: DeliveryStatus.cancelDelivery, turn)
    }

    /// A delivery's id is its order's.
    static func delivery(_ id: Int64, _ turn: Turn) throws -> Row? {
        try turn.row("SELECT * FROM deliveries WHERE id = ?1", [.integer(id)])
    }

    static func move(_ id: Int64, to status: String, _ turn: Turn) throws {
        try turn.execute("UPDATE deliveries SET deliveryStatus = ?2 WHERE id = ?1", [.integer(id), .text(status)])
        turn.publish(DeliveryStatusChanged(id: id, orderId: id, deliveryStatus: status))
    }
}
