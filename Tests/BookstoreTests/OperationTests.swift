// The paths that are no resources: the circuit breaker's demonstration, and the call from order to customer by hand.
import BookstoreContracts
import Contract
import Platform
import SQLite
import Synchronization
import Testing
import Wire

@testable import BookstoreDelivery
@testable import BookstoreOrder
@testable import Worker

struct OperationTests {
    /// A clock that stands still until a test moves it.
    final class StoppedClock: Sendable {
        private let milliseconds = Mutex<Int64>(0)
        var now: Int64 { milliseconds.withLock { $0 } }
        func pass(_ more: Int64) { milliseconds.withLock { $0 += more } }
    }

    let clock = StoppedClock()
    let circuit: Circuit
    let turn: Turn

    init() throws {
        circuit = Circuit(timeoutMilliseconds: 5_000, openMilliseconds: 10_000, now: { [clock] in clock.now })
        let desk = try Desk(try DeliveryService.service(settings: Settings([:])), shard: 0)
        turn = Turn(shard: 0, shards: Shards(count: 1), nowMilliseconds: 0, store: desk.store)
        try DeliveryService.createDelivery(
            Ordered(orderId: 1, bookId: 1, customerId: 1, quantity: 1, deliveryAddress: nil), turn)
        try DeliveryService.ship(DeliveryPrepared(orderId: 1), turn)
    }

    /// The text of the answer; a call that hangs lets its time pass first.
    func info(_ deliveryID: String?) throws -> String {
        let query = deliveryID.map { [(name: "deliveryId", value: $0)] } ?? []
        let request = Request(key: "1", method: .get, path: "/selectDeliveryInfo", query: query)
        var outcome = try DeliveryService.selectDeliveryInfo(request, turn, circuit)
        if case .wait(let milliseconds, let then) = outcome {
            #expect(milliseconds == 5_000)
            clock.pass(milliseconds)
            outcome = try then([], turn)
        }
        return text(outcome)
    }

    func text(_ outcome: Outcome) -> String {
        guard case .reply(let reply) = outcome else { return "no reply" }
        #expect(reply.status == 200)
        return String(decoding: reply.body, as: UTF8.self)
    }

    @Test("CNA-O7 a call that hangs is cut after five seconds, and nobody calls for ten")
    func circuitBreaker() throws {
        #expect(try info("1") == "Shipped")
        #expect(try info("99") == "CircuitBreaker!!!")
        #expect(try info("1") == "Shipped", "an unknown id opens nothing")

        #expect(try info("0") == "CircuitBreaker!!!")
        #expect(clock.now == 5_000)
        #expect(try info("1") == "CircuitBreaker!!!")
        #expect(try info("-1") == "CircuitBreaker!!!")
        #expect(clock.now == 5_000, "while it is open nothing hangs")
        clock.pass(9_999)
        #expect(try info("1") == "CircuitBreaker!!!")
        clock.pass(1)
        #expect(try info("1") == "Shipped")
    }

    @Test(arguments: [nil, "", "abc", "1.5", "99999999999999999999"])
    func badDeliveryIDs(_ id: String?) throws {
        let problem = try #require(throws: Problem.self) { try info(id) }
        #expect(problem.status == 400)
        #expect(problem.detail.contains(id.map { "is '\($0)'" } ?? "is missing"))
    }

    @Test func isYn() throws {
        func answer(_ query: [(name: String, value: String)]) throws -> String {
            text(
                try DeliveryService.showCircuitBreaker(
                    Request(key: "1", method: .get, path: "/circuitBreaker", query: query), turn))
        }
        #expect(try answer([(name: "isYn", value: "Y")]) == "CircuitBreaker!!!")
        #expect(try answer([(name: "isYn", value: "N")]) == " SUCCESS!!!")
        #expect(throws: Problem.self) { try answer([]) }
    }

    @Test(arguments: [
        (Answer.answered(Reply(status: 200, contentType: Reply.jsonType, body: [])), "Success..............."),
        (.answered(Reply(.notFound("no customer"))), "404"),
        (.unanswered(reason: "the circuit is open"), "503"),
    ])
    func verifyCustomer(_ answer: Answer, _ expected: String) throws {
        let request = Request(key: "1", method: .get, path: "/orderService/verifyCustomer/1", id: 1)
        guard case .ask(let questions, let then) = try OrderService.verifyCustomer(request, turn) else {
            Issue.record("the customer service was not asked")
            return
        }
        #expect(questions.map(\.path) == ["/customers/1"])
        do {
            #expect(text(try then([answer], turn)) == expected)
        } catch let problem as Problem {
            #expect(String(problem.status) == expected)
        }
    }
}
