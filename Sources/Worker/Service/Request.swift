// What a rule is given and what it gives back.
public import Contract
public import Wire

/// A call that has passed the contract: the id is an id, the body is typed.
public struct Request: Sendable {
    /// The same for every repeat of the same call.
    public let key: String
    public let method: Method
    public let path: String
    /// The id at the end of the path.
    public let id: Int64?
    public let query: [(name: String, value: String)]
    public let body: JSONObject

    public init(
        key: String, method: Method, path: String, id: Int64? = nil, query: [(name: String, value: String)] = [],
        body: JSONObject = [:]
    ) {
        self.key = key
        self.method = method
        self.path = path
        self.id = id
        self.query = query
        self.body = body
    }

    /// The id of an item's path; there is one wherever the contract has `{id}`.
    public func itemID() throws(Problem) -> Int64 {
        guard let id else { throw .badRequest("\(path) names no item") }
        return id
    }

    public func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }
}

/// What the caller is told.
public struct Reply: Sendable, Equatable {
    public var status: Int
    public var contentType: String
    public var body: [UInt8]
    /// The id of what was created, for `Location`.
    public var createdID: Int64?

    public init(status: Int, contentType: String, body: [UInt8], createdID: Int64? = nil) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.createdID = createdID
    }

    public init(_ problem: Problem) {
        var body = problem.json
        // Beside the words, so that it is kept and sent with them; the edge makes a header of it.
        if let seconds = problem.retryAfterSeconds { body.append(Self.retryAfterMember, .integer(Int64(seconds))) }
        self.init(status: problem.status, contentType: Problem.contentType, body: body.bytes)
    }

    private static let retryAfterMember = "retryAfterSeconds"

    /// The problem that a shard answered; what it says of itself is all that is known of it.
    public var problem: Problem {
        let object = (try? JSON(parsing: body))?.object
        return Problem(
            status, object?["detail"]?.string ?? "the service refused without a reason",
            title: object?["title"]?.string,
            retryAfterSeconds: object?[Self.retryAfterMember]?.integer.flatMap { Int(exactly: max(0, $0)) })
    }

    public static let jsonType = "application/json"
    public static let textType = "text/plain;charset=UTF-8"
}

/// What a rule decides: an answer now, or later when others have answered or time has passed.
public enum Outcome: Sendable {
    public typealias Continuation = @Sendable ([Answer], Turn) throws -> Outcome

    case reply(Reply)
    /// Asks other services, all at once. The request is parked meanwhile; the continuation runs in the loop, in a turn
    /// of its own, when every question is answered or given up.
    case ask([Question], then: Continuation)
    /// Parks the request for so long.
    case wait(milliseconds: Int64, then: Continuation)

    public static func ok(_ item: JSONObject) -> Outcome {
        .reply(Reply(status: 200, contentType: Reply.jsonType, body: item.bytes))
    }
    /// 201, or whatever the resource's contract says; `id` makes the `Location`.
    public static func created(_ id: Int64, _ item: JSONObject) -> Outcome {
        .reply(Reply(status: 201, contentType: Reply.jsonType, body: item.bytes, createdID: id))
    }
    public static var noContent: Outcome { .reply(Reply(status: 204, contentType: Reply.jsonType, body: [])) }
    public static func text(_ text: String) -> Outcome {
        .reply(Reply(status: 200, contentType: Reply.textType, body: Array(text.utf8)))
    }
}

/// A call to another service that a rule needs answered before it can decide.
public struct Question: Sendable {
    public let service: String
    public let method: Method
    public let path: String
    /// The id whose shard is asked.
    public let home: Int64
    public let body: [UInt8]

    /// Asks for one item: `GET /customers/1`.
    public init(_ service: ServiceContract, read resource: Resource, _ id: Int64) {
        self.init(service, .get, resource.itemPath(id), home: id)
    }

    /// A call that may change something there. Its id is derived from the request that causes it and its place among
    /// the questions, so that a repeat after a crash finds the first answer.
    public init(_ service: ServiceContract, _ method: Method, _ path: String, home: Int64, body: JSONObject? = nil) {
        self.service = service.name
        self.method = method
        self.path = path
        self.home = home
        self.body = body?.bytes ?? []
    }
}

public enum Answer: Sendable {
    case answered(Reply)
    /// No answer in time, or the circuit to the service is open.
    case unanswered(reason: String)

    /// The other service has it: status 2xx.
    public var isSuccess: Bool {
        if case .answered(let reply) = self { (200..<300).contains(reply.status) } else { false }
    }

    /// The body of a successful answer.
    public var item: JSONObject? {
        guard case .answered(let reply) = self, isSuccess else { return nil }
        return (try? JSON(parsing: reply.body))?.object
    }
}
