// An order is cancelled: it is gone from here, and everybody is told. This service decides; a preparation that happened
// meanwhile elsewhere is undone by those who hear of the cancel.
import BookstoreContracts
import Wire
import Worker

extension OrderService {
    static func cancelOrder(_ request: Request, _ turn: Turn) throws -> Outcome {
        let id = try request.itemID()
        guard let row = try order(id, turn) else { throw Problem.notFound("order \(id) does not exist") }
        let status = try row.text("orderStatus")
        guard OrderRules.canBeCanceled(status) else {
            throw Problem.conflict(
                "order \(id) is \(status): an order can be cancelled only while it is \(OrderStatus.ordered)")
        }
        try turn.execute("DELETE FROM orders WHERE orderId = ?1", [.integer(id)])
        turn.publish(OrderCanceled(orderId: id))
        return .noContent
    }
}
