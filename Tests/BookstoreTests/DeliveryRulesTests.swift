// Deliveries: what the carrier may say, and the circuit breaker. One line a case.
import Testing

@testable import BookstoreDelivery

struct DeliveryRulesTests {
    @Test(arguments: [
        // at, the carrier says, what comes of it
        ("Shipped", "ShippingCompleted", "moved"),
        ("InTransit", "ShippingCompleted", "moved"),
        ("Shipped", "배송 완료", "moved"),
        ("Shipped", "Shipped", "unchanged"),
        ("CreateDelivery", "CreateDelivery", "unchanged"),
        ("CancelDelivery", "CancelDelivery", "unchanged"),
        ("CreateDelivery", "ShippingCompleted", "409"),
        ("CancelDelivery", "ShippingCompleted", "409"),
        ("Shipped", "Ordered", "409"),
        ("Shipped", "ORDERED", "409"),
        ("Shipped", "CANCELED", "409"),
        ("Shipped", "CancelDelivery", "409"),
        ("ShippingCompleted", "Shipped", "409"),
        ("ShippingCompleted", " Shipped\n", "409"),
        ("ShippingCompleted", "Shipped on Monday", "moved"),
        ("Shipped", "", "400"),
        ("Shipped", "  ", "400"),
    ])
    func carrier(_ current: String, _ next: String, _ expected: String) {
        switch DeliveryRules.decide(carrierSays: next, at: current) {
        case .moved: #expect(expected == "moved")
        case .unchanged: #expect(expected == "unchanged")
        case .refused(let problem): #expect(expected == String(problem.status))
        }
    }

    @Test(arguments: [
        // at, can be shipped, can be cancelled
        ("CreateDelivery", true, true),
        ("Shipped", false, true),
        ("ShippingCompleted", false, true),
        ("CancelDelivery", false, false),
    ])
    func saga(_ status: String, _ shippable: Bool, _ cancelable: Bool) {
        #expect(DeliveryRules.canBeShipped(status) == shippable)
        #expect(DeliveryRules.canBeCanceled(status) == cancelable)
    }

    /// `call` asks to be let through, `answer` and `timeout` end a call; the circuit stays open for 10.
    @Test(arguments: [
        ("closed lets everybody through", "0 call yes, 1 answer, 1 call yes, 1 call yes"),
        ("a timeout opens it for ten", "0 call yes, 5 timeout, 5 call no, 14 call no, 15 call yes"),
        ("a good trial closes it", "0 call yes, 5 timeout, 15 call yes, 15 answer, 15 call yes, 16 call yes"),
        ("others wait for the trial", "0 call yes, 5 timeout, 15 call yes, 16 call no, 17 answer, 17 call yes"),
        ("a bad trial opens it again", "0 call yes, 5 timeout, 15 call yes, 20 timeout, 29 call no, 30 call yes"),
        ("a lost trial is followed by another", "0 call yes, 5 timeout, 15 call yes, 24 call no, 25 call yes"),
        (
            "old calls do not hold it open",
            "0 call yes, 4 call yes, 5 timeout, 9 timeout, 14 call no, 15 call yes"
        ),
    ])
    func circuit(_ name: String, _ story: String) throws {
        var circuit = CircuitState(openMilliseconds: 10)
        for step in story.split(separator: ", ") {
            let words = step.split(separator: " ")
            let now = try #require(Int64(words[0]))
            switch words[1] {
            case "call": #expect(circuit.admit(now: now) == (words[2] == "yes"), "\(name): \(step)")
            case "answer": circuit.answered()
            default: circuit.timedOut(now: now)
            }
        }
    }
}
