// The status values as people read them in answers and events, spelled as in the seeds, and the order they come in.

public enum OrderStatus {
    public static let ordered = "Ordered"
    public static let customerNotVerified = "Customer_Not_Verified"
    public static let bookNotVerified = "Book_Not_Verified"
    public static let deliveryPrepared = "Delivery_Prepared"
    public static let shipped = "Shipped"
    /// Only in the event and in MyPage: a cancelled order is gone from the order service.
    public static let canceled = "CANCELED"
}

public enum DeliverableStatus {
    public static let stockLacked = "Stock_Lacked"
    public static let deliveryPrepared = "Delivery_Prepared"
    public static let deliveryCanceled = "DeliveryCanceled"
}

public enum DeliveryStatus {
    public static let createDelivery = "CreateDelivery"
    public static let shipped = "Shipped"
    public static let cancelDelivery = "CancelDelivery"
}

/// How far an order has come, whichever service's word says it. Nothing ever goes back to an earlier stage.
public enum Stage: Int, Comparable, Sendable {
    case unverified, accepted, prepared, shipped, withCarrier, canceled

    /// Whatever is none of our words is the carrier's own. Capitals make no difference: the originals write `ORDERED`.
    public init(of status: String) {
        self = Self.words[status.lowercased()] ?? .withCarrier
    }

    private static let words: [String: Stage] = [
        "customer_not_verified": .unverified,
        "book_not_verified": .unverified,
        "ordered": .accepted,
        "createdelivery": .accepted,
        "stock_lacked": .accepted,
        "delivery_prepared": .prepared,
        "shipped": .shipped,
        "canceled": .canceled,
        "canceldelivery": .canceled,
        "deliverycanceled": .canceled,
    ]

    public static func < (one: Stage, other: Stage) -> Bool { one.rawValue < other.rawValue }

    /// Whether news of `next` moves on what is at `current`. The carrier alone may go from one of its words to another,
    /// and what was never verified stays where it is.
    public static func moves(from current: String, to next: String) -> Bool {
        let (before, after) = (Stage(of: current), Stage(of: next))
        if before == .unverified { return false }
        // By bytes: Swift takes two spellings of é for the same text, and we return what we were given.
        let differs = !next.utf8.elementsEqual(current.utf8)
        return after > before || (after == .withCarrier && before == .withCarrier && differs)
    }
}
