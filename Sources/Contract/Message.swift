// Facts and orders that travel between shards: plain values, a schema beside each.
public import Wire

/// The fields of a message, in the order they are written.
public struct MessageSchema: Sendable {
    public let type: String
    public let summary: String
    public let fields: [Field]

    public init(_ type: String, _ summary: String, fields: [Field]) {
        self.type = type
        self.summary = summary
        self.fields = fields
    }

    /// The fields of this message out of what was received: typed, complete, nothing else. A required field that is
    /// missing or null, or any field of a wrong type, is a `Problem` that names it.
    public func read(_ received: JSONObject) throws(Problem) -> JSONObject {
        var result = JSONObject()
        for field in fields {
            let value = try field.coerce(received[field.name] ?? .null)
            if value.isNull && field.isRequired { throw .badRequest("\(type): field '\(field.name)' is missing") }
            result.append(field.name, value)
        }
        return result
    }
}

/// A value that travels. `init(fields:)` is given fields that have passed the schema.
public protocol Message: Sendable {
    static var schema: MessageSchema { get }
    init(fields: JSONObject) throws(Problem)
    var fields: JSONObject { get }
}

/// A fact that happened, past tense, published on the system's topic.
public protocol Event: Message {
    /// The id the fact is about: its shard, its partition and its key.
    var subject: Int64 { get }
}

/// An order a policy gives to another shard of its own service.
public protocol Command: Message {
    /// The id whose shard carries it out.
    var target: Int64 { get }
}

extension Message {
    public static var type: String { schema.type }
}

/// Typed reading of fields that a schema has checked.
extension JSONObject {
    public func identifier(_ name: String) throws(Problem) -> Int64 { try integer(name) }

    public func integer(_ name: String) throws(Problem) -> Int64 {
        guard let number = self[name]?.integer else { throw .badRequest("field '\(name)' is missing") }
        return number
    }

    public func integerOrNil(_ name: String) -> Int64? { self[name]?.integer }

    public func text(_ name: String) throws(Problem) -> String {
        guard let text = self[name]?.string else { throw .badRequest("field '\(name)' is missing") }
        return text
    }

    public func textOrNil(_ name: String) -> String? { self[name]?.string }
}
