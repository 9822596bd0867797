// Rows of a shard as records of its state topic, and back. Generic: a table needs a primary key and nothing else.
package import Kafka
package import SQLite
import Wire

package enum StateRecords {
    /// The row under its key, or a tombstone.
    package static func record(_ change: RowChange, columns: [String], topic: String, partition: Int32, schema: Int)
        -> OutgoingRecord
    {
        // Written straight as text: there is a record for every row of every batch.
        var key: [UInt8] = []
        key.reserveCapacity(96)
        key.append(contentsOf: "{\"table\":".utf8)
        JSON.write(change.table, to: &key)
        key.append(contentsOf: ",\"pk\":[".utf8)
        for (place, value) in change.key.enumerated() {
            if place > 0 { key.append(UInt8(ascii: ",")) }
            write(value, to: &key)
        }
        key.append(contentsOf: "]}".utf8)
        var headers = Headers()
        headers.append(HeaderName.schema, Int64(schema))
        return OutgoingRecord(
            topic: topic, partition: partition, key: key, value: change.row.map { value(of: $0, columns) },
            headers: headers)
    }

    private static func value(of row: [Value], _ columns: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        bytes.append(UInt8(ascii: "{"))
        for (place, value) in row.enumerated() where place < columns.count {
            JSON.beginMember(columns[place], to: &bytes)
            write(value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private static func write(_ value: Value, to bytes: inout [UInt8]) {
        switch value {
        case .integer(let number): JSON.write(number, to: &bytes)
        case .text(let text): JSON.write(text, to: &bytes)
        case .null, .real, .blob: json(value).write(to: &bytes)
        }
    }

    struct Row {
        let table: String
        let key: [Value]
        let columns: JSONObject?
        let schema: Int
        let offset: Int64
    }

    static func read(_ record: Record) throws -> Row {
        // Only put together where it is said: a restore reads hundreds of thousands.
        var place: String { "\(record.topic)[\(record.partition)]@\(record.offset)" }
        guard let key = record.key, let object = try JSON(parsing: key).object, let table = object["table"]?.string,
            let primaryKey = object["pk"]?.array
        else { throw StateError("state record \(place) has no key of a row") }
        guard let schema = record.headers.number(HeaderName.schema) else {
            throw StateError("state record \(place) does not say which schema it was written with")
        }
        let columns = try record.value.map { try JSON(parsing: $0).object ?? [:] }
        return Row(
            table: table, key: try primaryKey.map(value), columns: columns, schema: Int(clamping: schema),
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
