// Rows of a shard as records of its state topic, and back. Generic: a table needs a primary key and nothing else.
package import Kafka
package import SQLite
import Wire

package enum StateRecords {
    /// The row under its key, or a tombstone.
    package static func record(_ change: RowChange, columns: [String], topic: String, partition: Int32, schema: Int)
        -> OutgoingRecord
    {
        let key: JSONObject = [
            "table": .string(change.table), "pk": .array(change.key.map(StateRecords.json)),
        ]
        let value = change.row.map { row in
            JSONObject(zip(columns, row).map { ($0, StateRecords.json($1)) }).bytes
        }
        return OutgoingRecord(
            topic: topic, partition: partition, key: key.bytes, value: value,
            headers: [Header(HeaderName.schema, String(schema))])
    }

    struct Row {
        let table: String
        let key: [Value]
        let columns: JSONObject?
        let schema: Int
        let offset: Int64
    }

    static func read(_ record: Record) throws -> Row {
        let place = "\(record.topic)[\(record.partition)]@\(record.offset)"
        guard let key = record.key, let object = try JSON(parsing: key).object, let table = object["table"]?.string,
            let primaryKey = object["pk"]?.array
        else { throw StateError("state record \(place) has no key of a row") }
        guard let schema = record.header(HeaderName.schema).flatMap({ Int($0) }) else {
            throw StateError("state record \(place) does not say which schema it was written with")
        }
        let columns = try record.value.map { try JSON(parsing: $0).object ?? [:] }
        return Row(
            table: table, key: try primaryKey.map(value), columns: columns, schema: schema,
            offset: record.offset)
    }

    /// JSON has no bytes: a blob is an object of one member.
    private static let blobMember = "$blob"

    static func json(_ value: Value) -> JSON {
        switch value {
        case .null: .null
        case .integer(let number): .integer(number)
        case .real(let number): .object(["$real": .string(String(number))])
        case .text(let text): .string(text)
        case .blob(let bytes): .object([blobMember: .array(bytes.map { .integer(Int64($0)) })])
        }
    }

    static func value(_ json: JSON) throws -> Value {
        switch json {
        case .null: return .null
        case .integer(let number): return .integer(number)
        case .string(let text): return .text(text)
        case .object(let object):
            if let number = object["$real"]?.string.flatMap({ Double($0) }) { return .real(number) }
            guard let bytes = object[blobMember]?.array else { break }
            return .blob(bytes.map { UInt8(clamping: $0.integer ?? 0) })
        case .number(let number): return .real(number)
        case .bool, .array: break
        }
        throw StateError("a state record holds \(json.text.prefix(80)), which no column can")
    }
}

/// State that cannot be used as it is. The text says what is wrong and what to do.
public struct StateError: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
