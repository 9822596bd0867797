// The originals' demonstration of a circuit breaker. A delivery id of zero or less stands for a call that hangs.
import BookstoreContracts
import Wire
import Worker

extension DeliveryService {
    static let fallback = "CircuitBreaker!!!"

    static func selectDeliveryInfo(_ request: Request, _ turn: Turn, _ circuit: Circuit) throws -> Outcome {
        guard let text = request.parameter("deliveryId") else {
            throw Problem.badRequest("parameter 'deliveryId' is missing, expected a whole number")
        }
        guard let id = Int64(text) else {
            throw Problem.badRequest("parameter 'deliveryId' is '\(text.prefix(80))', expected a whole number")
        }
        guard circuit.admit() else { return .text(fallback) }
        guard id > 0 else {
            return .wait(milliseconds: circuit.timeoutMilliseconds) { _, _ in
                circuit.timedOut()
                return .text(fallback)
            }
        }
        circuit.answered()
        return .text(try delivery(id, turn)?.text("deliveryStatus") ?? fallback)
    }

    static func showCircuitBreaker(_ request: Request, _ turn: Turn) throws -> Outcome {
        guard let answer = request.parameter("isYn") else {
            throw Problem.badRequest("parameter 'isYn' is missing, expected Y or N")
        }
        return .text(answer == "Y" ? fallback : " SUCCESS!!!")
    }
}
