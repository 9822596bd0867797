// A resource of a service as its callers see it: path, fields, methods, and which shard decides about it.
public import Wire

public enum Method: String, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"

    /// Changes nothing, so it may be repeated and needs no memory of its answer.
    public var isQuery: Bool { self == .get || self == .head || self == .options }
}

public struct Resource: Sendable {
    /// Where a new one is made.
    public enum Creation: Sendable, Equatable {
        /// Any shard may give it its id; callers go round.
        case roundRobin
        /// In the shard of the id that this body field holds.
        case shardOf(field: String)
    }

    public enum Representation: Sendable, Equatable {
        /// HAL: links, and pages of `_embedded` items.
        case hal
        /// Bare JSON objects, a bare array for the list.
        case plain
    }

    /// What one can do to a collection or to one item of it.
    public enum Action: Sendable, Equatable, CaseIterable {
        case list, read, create, replace, change, remove
    }

    /// `books`: the path of the collection and its name in HAL.
    public let name: String
    /// `book`: one of them, the name of its own link in HAL.
    public let item: String
    /// The field that holds the id.
    public let idField: String
    /// All fields in the order they are shown, the id among them.
    public let fields: [Field]
    /// Those a client may set.
    public let writableFields: [Field]
    public let actions: [Action]
    public let creation: Creation
    public let representation: Representation
    public let statusOfCreation: Int
    /// Fields a list may be narrowed by: `?customerId=1`.
    public let filters: [String]
    public let summary: String

    public init(
        _ name: String, item: String, id idField: String, fields: [Field], actions: [Action],
        creation: Creation = .roundRobin, representation: Representation = .hal, statusOfCreation: Int = 201,
        filters: [String] = [], _ summary: String
    ) {
        self.name = name
        self.item = item
        self.idField = idField
        self.fields = fields
        writableFields = fields.filter { !$0.isReadOnly }
        self.actions = actions
        self.creation = creation
        self.representation = representation
        self.statusOfCreation = statusOfCreation
        self.filters = filters
        self.summary = summary
    }

    public var collectionPath: String { "/\(name)" }
    public func itemPath(_ id: Int64) -> String { "/\(name)/\(id)" }
    public func field(_ name: String) -> Field? { fields.first { $0.name == name } }

    /// Methods of `/books`, as `Allow` lists them.
    public var collectionMethods: [Method] {
        methods([(.list, [.get, .head]), (.create, [.post])])
    }

    /// Methods of `/books/1`.
    public var itemMethods: [Method] {
        methods([(.read, [.get, .head]), (.replace, [.put]), (.change, [.patch]), (.remove, [.delete])])
    }

    private func methods(_ table: [(Action, [Method])]) -> [Method] {
        table.filter { actions.contains($0.0) }.flatMap(\.1) + [.options]
    }
}

extension Resource {
    /// The body of a POST or PUT: every writable field, typed; null where an optional one is missing.
    public func readWhole(_ body: [UInt8]) throws(Problem) -> JSONObject {
        let received = try Self.object(body)
        var result = JSONObject()
        for field in writableFields {
            let value = try field.coerce(received[field.name] ?? .null)
            if value.isNull && field.isRequired {
                throw .badRequest("field '\(field.name)' is missing, expected \(field.expectation)")
            }
            result.append(field.name, value)
        }
        return result
    }

    /// The body of a PATCH: the writable fields it names, typed.
    public func readPart(_ body: [UInt8]) throws(Problem) -> JSONObject {
        let received = try Self.object(body)
        var result = JSONObject()
        for field in writableFields {
            guard let given = received[field.name] else { continue }
            let value = try field.coerce(given)
            if value.isNull && field.isRequired {
                throw .badRequest("field '\(field.name)' may not be null, expected \(field.expectation)")
            }
            result.append(field.name, value)
        }
        return result
    }

    private static func object(_ body: [UInt8]) throws(Problem) -> JSONObject {
        if body.isEmpty { throw .badRequest("the body is empty, expected a JSON object") }
        let value: JSON
        do { value = try JSON(parsing: body) } catch { throw .badRequest("the body is \(error)") }
        guard let object = value.object else {
            throw .badRequest("the body is \(value.kind), expected a JSON object")
        }
        return object
    }

    /// An id out of a path: a positive 64-bit number and nothing else.
    public func readID(_ segment: String) throws(Problem) -> Int64 {
        guard let id = Int64(segment) else {
            throw .badRequest("'\(segment.prefix(80))' is no id of \(name), expected a positive whole number")
        }
        guard id > 0 else { throw .notFound("\(item) \(id) does not exist") }
        return id
    }
}
