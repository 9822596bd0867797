// What becomes of an order. Plain values in, decisions out.
import BookstoreContracts

enum OrderRules {
    /// Unknown, unanswered in time, or not even asked since the circuit is open: all the same here. The customer counts
    /// more than the book.
    static func statusOfNew(customerKnown: Bool, bookKnown: Bool) -> String {
        if !customerKnown { return OrderStatus.customerNotVerified }
        return bookKnown ? OrderStatus.ordered : OrderStatus.bookNotVerified
    }

    static func isForwarded(_ status: String) -> Bool { Stage(of: status) == .accepted }

    static func canBeCanceled(_ status: String) -> Bool { Stage(of: status) == .accepted }

    /// Whether news from the inventory or the delivery becomes the order's status. Nobody but this service cancels an
    /// order, so news of a cancel is an echo or a mistake.
    static func follows(_ news: String, from status: String) -> Bool {
        Stage(of: news) != .canceled && Stage.moves(from: status, to: news)
    }
}
