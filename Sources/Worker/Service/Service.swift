// What the author of a service writes: a contract, a schema, and one function for each thing that can happen.
public import Contract
import Wire

public struct Service: Sendable {
    public let contract: ServiceContract
    /// SQL by version, the first is version 1. An older file or state record is brought up to the last one.
    public let migrations: [String]
    public let rules: Rules

    public init(_ contract: ServiceContract, migrations: [String], _ write: (inout Rules) -> Void) {
        self.contract = contract
        self.migrations = migrations
        var rules = Rules()
        write(&rules)
        self.rules = rules
    }
}

/// Which function answers to what.
public struct Rules: Sendable {
    public typealias RequestRule = @Sendable (Request, Turn) throws -> Outcome
    typealias MessageRule = @Sendable (JSONObject, Turn) throws -> Void

    struct Message: Sendable {
        let schema: MessageSchema
        /// Reads the id whose shard must have received it.
        let home: @Sendable (JSONObject) throws -> Int64
        let run: MessageRule
    }

    private(set) var creations: [String: RequestRule] = [:]
    private(set) var replacements: [String: RequestRule] = [:]
    private(set) var changes: [String: RequestRule] = [:]
    private(set) var removals: [String: RequestRule] = [:]
    private(set) var tables: [String: String] = [:]
    private(set) var operations: [String: RequestRule] = [:]
    private(set) var policies: [String: Message] = [:]
    private(set) var commands: [String: Message] = [:]

    /// `GET /books` and `GET /books/1` come from this table, whose columns are named as the fields.
    public mutating func read(_ resource: Resource, from table: String) { tables[resource.name] = table }

    /// `POST /books`. The request's body has passed the contract.
    public mutating func create(_ resource: Resource, _ rule: @escaping RequestRule) {
        creations[resource.name] = rule
    }
    /// `PUT /books/1`
    public mutating func replace(_ resource: Resource, _ rule: @escaping RequestRule) {
        replacements[resource.name] = rule
    }
    /// `PATCH /books/1`: the body holds only the fields the client named.
    public mutating func change(_ resource: Resource, _ rule: @escaping RequestRule) { changes[resource.name] = rule }
    /// `DELETE /books/1`
    public mutating func remove(_ resource: Resource, _ rule: @escaping RequestRule) { removals[resource.name] = rule }

    /// `GET` of an operation's path.
    public mutating func answer(_ operation: Operation, _ rule: @escaping RequestRule) {
        operations[operation.path] = rule
    }

    /// Whenever this happened, then …
    public mutating func whenever<E: Event>(_ event: E.Type, _ policy: @escaping @Sendable (E, Turn) throws -> Void) {
        policies[E.type] = Message(
            schema: E.schema, home: { try E(fields: $0).subject }, run: { try policy(E(fields: $0), $1) })
    }

    /// Carries out what a policy in another shard of this service ordered.
    public mutating func carryOut<C: Command>(_ command: C.Type, _ rule: @escaping @Sendable (C, Turn) throws -> Void) {
        commands[C.type] = Message(
            schema: C.schema, home: { try C(fields: $0).target }, run: { try rule(C(fields: $0), $1) })
    }
}
