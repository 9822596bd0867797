// The order's status follows what the inventory and the delivery say. News of an order that is gone comes too late.
import BookstoreContracts
import Worker

extension OrderService {
    static func followPreparation(_ event: DeliveryPrepared, _ turn: Turn) throws {
        try move(event.orderId, to: OrderStatus.deliveryPrepared, turn)
    }

    static func followDelivery(_ event: DeliveryStatusChanged, _ turn: Turn) throws {
        try move(event.orderId, to: event.deliveryStatus, turn)
    }

    private static func move(_ id: Int64, to news: String, _ turn: Turn) throws {
        guard let row = try order(id, turn), OrderRules.follows(news, from: try row.text("orderStatus")) else { return }
        try turn.execute("UPDATE orders SET orderStatus = ?2 WHERE orderId = ?1", [.integer(id), .text(news)])
    }
}
