// The four services on real shards, without Kafka: what a rule publishes or sends is kept in lists, a partition each,
// and handed out one by one in the order a test likes. Within a partition the order stays, as in Kafka.
import BookstoreContracts
import BookstoreCustomer
import BookstoreDelivery
import BookstoreInventory
import BookstoreOrder
import Contract
import Platform
import SQLite
import Testing
import Wire

@testable import Worker

/// A message in a partition.
struct Letter {
    let type: String
    let fields: JSONObject
    let isCommand: Bool
}

/// A request that waits for others to answer.
struct Parked {
    let desk: Desk
    let questions: [Question]
    let number: Int
    let then: Outcome.Continuation
}

/// One shard of one service, and how far it has read.
final class Desk {
    let service: Service
    let shard: Int32
    let store: Connection
    var eventsRead = 0
    var commands: [Letter] = []
    var commandsRead = 0

    init(_ service: Service, shard: Int32) throws {
        self.service = service
        self.shard = shard
        store = try Connection(path: ":memory:")
        try store.script(ShardSchema.sql)
        for migration in service.migrations { try store.script(migration) }
    }
}

final class Shop {
    let shards: Shards
    private(set) var desks: [Desk] = []
    /// The topic: a list a partition.
    private(set) var events: [[Letter]]
    /// Everything published, in the order it happened, without the copies that a test adds.
    private(set) var published: [Letter] = []
    private(set) var parked: [Parked] = []
    private(set) var replies: [Int: Reply] = [:]
    private var requests = 0

    init(shards count: Int32) throws {
        shards = Shards(count: count)
        events = Array(repeating: [], count: Int(count))
        let delivery = try DeliveryService.service(settings: Settings([:]))
        for service in [CustomerService.service, InventoryService.service, OrderService.service, delivery] {
            for shard in 0..<count { desks.append(try Desk(service, shard: shard)) }
        }
    }

    func desk(_ service: ServiceContract, of id: Int64) throws -> Desk {
        let shard = try #require(shards.owner(of: id))
        return try #require(desks.first { $0.service.contract.name == service.name && $0.shard == shard })
    }

    func rows(_ service: ServiceContract, _ sql: String) throws -> [Row] {
        try desks.filter { $0.service.contract.name == service.name }.flatMap { try $0.store.query(sql) }
    }

    // MARK: - Requests

    /// Sends a request to the shard of an id and gives its number; the reply may come later.
    @discardableResult
    func request(
        _ method: Method, _ service: ServiceContract, _ resource: Resource, id: Int64? = nil, shardOf home: Int64,
        _ body: JSONObject = [:]
    ) throws -> Int {
        requests += 1
        let desk = try desk(service, of: home)
        let request = Request(
            key: String(requests), method: method, path: resource.collectionPath, id: id, body: body)
        let rules = desk.service.rules
        let rule =
            switch method {
            case .post: rules.creations[resource.name]
            case .put: rules.replacements[resource.name]
            case .patch: rules.changes[resource.name]
            default: rules.removals[resource.name]
            }
        let run = try #require(rule)
        try settle(requests, desk) { try run(request, $0) }
        return requests
    }

    /// The questions of a parked request are answered from the other services' rows as they are now, or not at all.
    func answer(_ index: Int, isDown: (Question) -> Bool = { _ in false }) throws {
        let waiting = parked.remove(at: index)
        let answers = try waiting.questions.map { question -> Answer in
            if isDown(question) { return .unanswered(reason: "down") }
            let contract = try #require(Bookstore.system.service(question.service))
            let resource = try #require(contract.resources.first { question.path.hasPrefix($0.collectionPath + "/") })
            let table = try #require(try desk(contract, of: question.home).service.rules.tables[resource.name])
            let found = try desk(contract, of: question.home).store.first(
                "SELECT 1 FROM \(table) WHERE \(resource.idField) = ?1", [.integer(question.home)])
            if found == nil { return .answered(Reply(.notFound("not there"))) }
            return .answered(Reply(status: 200, contentType: Reply.jsonType, body: []))
        }
        try settle(waiting.number, waiting.desk) { try waiting.then(answers, $0) }
    }

    private func settle(_ number: Int, _ desk: Desk, _ rule: (Turn) throws -> Outcome) throws {
        do {
            switch try turn(desk, rule) {
            case .reply(let reply): replies[number] = reply
            case .ask(let questions, let then):
                parked.append(Parked(desk: desk, questions: questions, number: number, then: then))
            case .wait: Issue.record("nobody waits here")
            }
        } catch let problem as Problem {
            replies[number] = Reply(problem)
        }
    }

    // MARK: - Messages

    /// Desks that have something to read.
    var busy: [Desk] {
        desks.filter { $0.eventsRead < events[Int($0.shard)].count || $0.commandsRead < $0.commands.count }
    }

    /// Handles the next event or the next command, whichever is asked for and there.
    func read(_ desk: Desk, commandFirst: Bool) throws {
        let hasCommand = desk.commandsRead < desk.commands.count
        let hasEvent = desk.eventsRead < events[Int(desk.shard)].count
        let letter: Letter
        if hasCommand && (commandFirst || !hasEvent) {
            letter = desk.commands[desk.commandsRead]
            desk.commandsRead += 1
        } else if hasEvent {
            letter = events[Int(desk.shard)][desk.eventsRead]
            desk.eventsRead += 1
        } else {
            return
        }
        let rules = desk.service.rules
        guard let message = letter.isCommand ? rules.commands[letter.type] : rules.policies[letter.type] else { return }
        let fields = try message.schema.read(letter.fields)
        #expect(shards.owner(of: try message.home(fields)) == desk.shard)
        try turn(desk) { try message.run(fields, $0) }
    }

    /// Somebody publishes what was published before.
    func repeatEvent(_ letter: Letter, subject: Int64) throws {
        events[Int(try #require(shards.owner(of: subject)))].append(letter)
    }

    func repeatCommand(_ desk: Desk, _ letter: Letter) { desk.commands.append(letter) }

    /// Runs one rule: all of it happens, or nothing.
    @discardableResult
    private func turn<Result>(_ desk: Desk, _ rule: (Turn) throws -> Result) throws -> Result {
        let turn = Turn(shard: desk.shard, shards: shards, nowMilliseconds: 0, store: desk.store)
        let result = try desk.store.transaction { try rule(turn) }
        for effect in turn.effects {
            switch effect {
            case .event(let type, let subject, let fields):
                let letter = Letter(type: type, fields: fields, isCommand: false)
                published.append(letter)
                events[Int(try #require(shards.owner(of: subject)))].append(letter)
            case .command(let type, let target, let fields):
                let letter = Letter(type: type, fields: fields, isCommand: true)
                let home = try #require(shards.owner(of: target))
                let other = desks.first { $0.service.contract.name == desk.service.contract.name && $0.shard == home }
                try #require(other).commands.append(letter)
            }
        }
        return result
    }

    /// Reads everything there is, answers every question.
    func settleAll() throws {
        while true {
            if let desk = busy.first {
                try read(desk, commandFirst: true)
            } else if !parked.isEmpty {
                try answer(0)
            } else {
                return
            }
        }
    }
}
