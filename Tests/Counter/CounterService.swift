// The smallest service that shows everything: counters that are incremented, amounts that move between shards, and a
// policy that reacts to its own events. docs/worker.md explains it.
import Contract
import Wire
import Worker

enum Counters {
    static let counters = Resource(
        "counters", item: "counter", id: "counterId",
        fields: [.identifier("counterId"), .integer("value", readOnly: true), .integer("seen", readOnly: true)],
        actions: [.list, .read], "What has been counted, and how many `Counted` events were seen.")
    static let increments = Resource(
        "increments", item: "increment", id: "counterId",
        fields: [.identifier("counterId"), .integer("amount", in: 1...1000)],
        actions: [.create], creation: .shardOf(field: "counterId"), "Adds to one counter.")
    static let moves = Resource(
        "moves", item: "move", id: "from",
        fields: [.identifier("from"), .identifier("to"), .integer("amount", in: 1...1000)],
        actions: [.create], creation: .shardOf(field: "from"), "Takes from one counter, gives to another.")
    static let service = ServiceContract(
        "counter", resources: [counters, increments, moves], events: [Counted.schema], policies: [Counted.type],
        "Counts.")
    static let system = SystemContract("counting", title: "Counting", services: [service], "A system of one service.")
}

struct Counted: Event {
    static let schema = MessageSchema(
        "Counted", "A counter has a new value.", fields: [.identifier("counterId"), .integer("value")])
    let counterID: Int64, value: Int64
    var subject: Int64 { counterID }
    var fields: JSONObject { ["counterId": .integer(counterID), "value": .integer(value)] }
    init(counterID: Int64, value: Int64) { (self.counterID, self.value) = (counterID, value) }
    init(fields: JSONObject) throws(Problem) {
        self.init(counterID: try fields.identifier("counterId"), value: try fields.integer("value"))
    }
}

struct Give: Command {
    static let schema = MessageSchema("Give", "Adds what was taken.", fields: [.identifier("to"), .integer("amount")])
    let to: Int64, amount: Int64
    var target: Int64 { to }
    var fields: JSONObject { ["to": .integer(to), "amount": .integer(amount)] }
    init(to: Int64, amount: Int64) { (self.to, self.amount) = (to, amount) }
    init(fields: JSONObject) throws(Problem) {
        self.init(to: try fields.identifier("to"), amount: try fields.integer("amount"))
    }
}

let counterSchema =
    "CREATE TABLE counters (counterId INTEGER PRIMARY KEY, value INTEGER NOT NULL, seen INTEGER NOT NULL)"

func counterRules(_ rules: inout Rules) {
    rules.read(Counters.counters, from: "counters")
    rules.create(Counters.increments) { request, turn in
        let id = try request.body.identifier("counterId")
        return .created(id, try add(try request.body.integer("amount"), to: id, turn).fields)
    }
    rules.create(Counters.moves) { request, turn in
        let (from, to) = (try request.body.identifier("from"), try request.body.identifier("to"))
        let amount = try request.body.integer("amount")
        turn.send(Give(to: to, amount: amount))
        return .created(from, try add(-amount, to: from, turn).fields)
    }
    rules.carryOut(Give.self) { give, turn in _ = try add(give.amount, to: give.to, turn) }
    rules.whenever(Counted.self) { event, turn in
        try turn.execute("UPDATE counters SET seen = seen + 1 WHERE counterId = ?1", [.integer(event.counterID)])
    }
}

func add(_ amount: Int64, to id: Int64, _ turn: Turn) throws -> Counted {
    let sql = """
        INSERT INTO counters (counterId, value, seen) VALUES (?1, ?2, 0)
        ON CONFLICT (counterId) DO UPDATE SET value = value + ?2 RETURNING value
        """
    let counted = Counted(
        counterID: id, value: try turn.row(sql, [.integer(id), .integer(amount)])?.integer("value") ?? 0)
    turn.publish(counted)
    return counted
}
