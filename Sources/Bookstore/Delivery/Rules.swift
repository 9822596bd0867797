// What may become of a delivery. Plain values in, decisions out.
import BookstoreContracts
import Wire

enum DeliveryRules {
    enum Decision: Equatable {
        case moved, unchanged
        case refused(Problem)
    }

    static func canBeShipped(_ status: String) -> Bool { Stage(of: status) == .accepted }

    static func canBeCanceled(_ status: String) -> Bool { Stage(of: status) != .canceled }

    /// The carrier has what was shipped, and says what it likes about it, save the words that the shop's own saga turns
    /// on: a carrier's `Ordered` must not make a shipped order one that can be cancelled.
    static func decide(carrierSays next: String, at current: String) -> Decision {
        if next.utf8.elementsEqual(current.utf8) { return .unchanged }
        if next.allSatisfy(\.isWhitespace) {
            return .refused(.badRequest("field 'deliveryStatus' is empty, expected a text"))
        }
        let stage = Stage(of: current)
        guard stage == .shipped || stage == .withCarrier else {
            return .refused(.conflict("it is \(current), and the carrier has only what is \(DeliveryStatus.shipped)"))
        }
        // `Shipped ` would be read as the shop's own word.
        guard Stage(of: next.filter { !$0.isWhitespace }) == .withCarrier else {
            return .refused(.conflict("it is \(current), and '\(next)' is not for the carrier to say"))
        }
        return .moved
    }
}
