// JSON as values. Integers stay exact 64-bit integers; members keep their order, since people read what we print.
public enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Whatever number is not a 64-bit integer.
    case number(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)

    public init(_ text: String?) { self = text.map(JSON.string) ?? .null }
    public init(_ number: Int64?) { self = number.map(JSON.integer) ?? .null }

    public var isNull: Bool { self == .null }
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    public var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    public var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    public var array: [JSON]? { if case .array(let items) = self { items } else { nil } }
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// A member of an object, null where there is none.
    public subscript(name: String) -> JSON { object?[name] ?? .null }

    /// What it is, in a sentence: "expected an object, got an array".
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a text"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral text: String) { self = .string(text) }
    public init(integerLiteral number: Int64) { self = .integer(number) }
    public init(booleanLiteral flag: Bool) { self = .bool(flag) }
    public init(arrayLiteral items: JSON...) { self = .array(items) }
    public init(dictionaryLiteral members: (String, JSON)...) { self = .object(JSONObject(members)) }
}

/// Members in order. Objects of the wire have a handful of members, where a search beats a hash.
public struct JSONObject: Sendable, ExpressibleByDictionaryLiteral {
    public private(set) var members: [(name: String, value: JSON)]

    public init(_ members: [(String, JSON)] = []) { self.members = members.map { (name: $0.0, value: $0.1) } }
    public init(dictionaryLiteral members: (String, JSON)...) { self.init(members) }

    public subscript(name: String) -> JSON? {
        get { members.first { $0.name == name }?.value }
        set {
            let place = members.firstIndex { $0.name == name }
            switch (place, newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil): members.remove(at: place)
            case (nil, let value?): members.append((name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Room for what most objects hold, at once and not in four steps.
    mutating func makeRoom() { members.reserveCapacity(8) }

    public mutating func append(_ name: String, _ value: JSON) { members.append((name: name, value: value)) }
    public var isEmpty: Bool { members.isEmpty }
    public var names: [String] { members.map(\.name) }
}

extension JSONObject: Equatable {
    /// The same members in the same order.
    public static func == (one: JSONObject, other: JSONObject) -> Bool {
        one.members.count == other.members.count
            && zip(one.members, other.members).allSatisfy { $0.name == $1.name && $0.value == $1.value }
    }
}
