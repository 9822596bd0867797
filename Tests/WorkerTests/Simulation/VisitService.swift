// The counter service and one thing more: a visit asks another shard to count, and counts here when that has answered.
import Contract
import Wire
import Worker

@testable import counter

enum Visits {
    static let visits = Resource(
        "visits", item: "visit", id: "counterId",
        fields: [.identifier("counterId"), .identifier("host")], actions: [.create],
        creation: .shardOf(field: "counterId"), "Counts at the host, then at home.")
    static let service = ServiceContract(
        "visit", resources: Counters.service.resources + [visits], events: Counters.service.events,
        policies: Counters.service.policies, "Counts and visits.")
    static let system = SystemContract("visiting", title: "Visiting", services: [service], "For the simulation.")

    static func rules(_ rules: inout Rules) {
        counterRules(&rules)
        rules.create(visits) { request, _ in
            let host = try request.body.identifier("host")
            let question = Question(
                service, .post, "/increments", home: host, body: ["counterId": .integer(host), "amount": 1])
            return .ask([question]) { answers, _ in
                guard answers.first?.isSuccess == true else { throw Problem(503, "the host does not answer") }
                // A second wait, so that a request may be parked twice.
                return .wait(milliseconds: 20) { _, turn in
                    let home = try request.body.identifier("counterId")
                    return .created(home, try add(1, to: home, turn).fields)
                }
            }
        }
    }

    static let program = Service(service, migrations: [counterSchema], rules)
}
