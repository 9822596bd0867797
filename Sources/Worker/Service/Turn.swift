public import Contract
// One turn of a shard: what a rule may do while it handles one message. All of it happens, or nothing of it.
public import SQLite
public import Wire

public typealias Row = SQLite.Row
public typealias Value = SQLite.Value

/// Lives only while its rule runs; never kept, never given to another thread.
public final class Turn {
    public let shard: Int32
    public let shards: Shards
    /// Wall time of the batch, the same for everything that happens in it.
    public let nowMilliseconds: Int64
    let store: Connection
    private(set) var effects: [Effect] = []

    init(shard: Int32, shards: Shards, nowMilliseconds: Int64, store: Connection) {
        self.shard = shard
        self.shards = shards
        self.nowMilliseconds = nowMilliseconds
        self.store = store
    }

    enum Effect {
        case event(type: String, subject: Int64, fields: JSONObject)
        case command(type: String, target: Int64, fields: JSONObject)
    }

    // MARK: - Rows

    public func rows(_ sql: String, _ arguments: [Value] = []) throws -> [Row] { try store.query(sql, arguments) }

    public func row(_ sql: String, _ arguments: [Value] = []) throws -> Row? { try store.first(sql, arguments) }

    /// Runs a statement and says how many rows it changed.
    @discardableResult
    public func execute(_ sql: String, _ arguments: [Value] = []) throws -> Int {
        try store.execute(sql, arguments)
        return store.changes
    }

    /// The next id of a kind of thing; this shard owns it.
    public func nextID(_ kind: String) throws -> Int64 {
        let row = try store.first(
            """
            INSERT INTO runtime_sequences (name, last) VALUES (?1, ?2)
            ON CONFLICT (name) DO UPDATE SET last = last + ?3 RETURNING last
            """, [.text(kind), .integer(shards.firstID(of: shard)), .integer(Int64(shards.count))])
        guard let row else { throw Problem(500, "no id for '\(kind)'") }
        return try row.integer("last")
    }

    // MARK: - Messages

    /// Publishes a fact. It becomes visible together with the rows.
    public func publish(_ event: some Event) {
        effects.append(.event(type: type(of: event).type, subject: event.subject, fields: event.fields))
    }

    /// Gives an order to the shard of this service that owns the target.
    public func send(_ command: some Command) {
        effects.append(.command(type: type(of: command).type, target: command.target, fields: command.fields))
    }
}

extension Resource {
    /// The columns in the order of the fields, as SQL takes them: a field may be called `order`.
    var columns: String { fields.map { quoted($0.name) }.joined(separator: ", ") }

    /// An item as it is shown: the fields of the contract out of a row whose columns are named like them.
    public func item(_ row: Row) -> JSONObject {
        var item = JSONObject()
        for field in fields { item.append(field.name, row[field.name].map(field.shown) ?? .null) }
        return item
    }

    /// The same as text, out of values in the order of the fields: without an object in between.
    func write(_ values: [Value], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        for (field, value) in zip(fields, values) {
            JSON.beginMember(field.name, to: &bytes)
            field.shown(value).write(to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }
}

extension Field {
    /// A column as this field: SQLite keeps true and false as numbers.
    func shown(_ value: Value) -> JSON {
        if kind == .flag, case .integer(let number) = value { return .bool(number != 0) }
        return value.json
    }
}

extension SQLite.Value {
    public var json: JSON {
        switch self {
        case .null: .null
        case .integer(let number): .integer(number)
        case .real(let number): .number(number)
        case .text(let text): .string(text)
        // Rules store no bytes; a table that did would show them as text.
        case .blob(let bytes): .string(String(decoding: bytes, as: UTF8.self))
        }
    }

    /// A field of a typed body as a column.
    public init(_ json: JSON?) {
        switch json {
        case .integer(let number): self = .integer(number)
        case .number(let number): self = .real(number)
        case .string(let text): self = .text(text)
        case .bool(let flag): self = .integer(flag ? 1 : 0)
        case .array, .object: self = .text(json?.text ?? "")
        case .null, nil: self = .null
        }
    }
}
