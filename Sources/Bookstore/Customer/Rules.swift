// What MyPage makes of the news about an order. Plain values: what has happened so far in, what is shown now out.
import BookstoreContracts

struct PageStatus: Equatable {
    var order: String
    var delivery: String?

    static let placed = PageStatus(order: OrderStatus.ordered, delivery: nil)

    /// For good: whatever the delivery still says, the order stays cancelled.
    mutating func orderCanceled() { order = OrderStatus.canceled }

    /// Both statuses follow what was put aside, shipped and carried. Only the order service's own word cancels an order.
    mutating func deliveryMoved(to status: String) {
        if Stage.moves(from: delivery ?? DeliveryStatus.createDelivery, to: status) { delivery = status }
        if Stage(of: status) != .canceled && Stage.moves(from: order, to: status) { order = status }
    }
}
