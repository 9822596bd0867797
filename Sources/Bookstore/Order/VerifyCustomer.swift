// The originals' way to try the call from order to customer by hand.
import BookstoreContracts
import Wire
import Worker

extension OrderService {
    static func verifyCustomer(_ request: Request, _ turn: Turn) throws -> Outcome {
        let id = try request.itemID()
        guard id > 0 else { throw Problem.notFound("customer \(id) does not exist") }
        let question = Question(Bookstore.customerService, read: Bookstore.customers, id)
        return .ask([question]) { answers, _ in
            switch answers[0] {
            case .answered where answers[0].isSuccess: return .text("Success...............")
            case .answered: throw Problem.notFound("customer \(id) does not exist")
            case .unanswered(let reason): throw Problem.unavailable("customer \(id) could not be verified: \(reason)")
            }
        }
    }
}
