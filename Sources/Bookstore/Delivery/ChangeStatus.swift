// The carrier says how far a delivery has come.
import BookstoreContracts
import Wire
import Worker

extension DeliveryService {
    static func changeStatus(_ request: Request, _ turn: Turn) throws -> Outcome {
        let id = try request.itemID()
        let row = try existing(id, turn)
        guard let status = request.body.textOrNil("deliveryStatus") else { return .ok(Bookstore.deliveries.item(row)) }
        switch DeliveryRules.decide(carrierSays: status, at: try row.text("deliveryStatus")) {
        case .unchanged: return .ok(Bookstore.deliveries.item(row))
        case .refused(let problem): throw Problem(problem.status, "delivery \(id): \(problem.detail)")
        case .moved:
            try move(id, to: status, turn)
            return .ok(Bookstore.deliveries.item(try existing(id, turn)))
        }
    }

    private static func existing(_ id: Int64, _ turn: Turn) throws -> Row {
        guard let row = try delivery(id, turn) else { throw Problem.notFound("delivery \(id) does not exist") }
        return row
    }
}
