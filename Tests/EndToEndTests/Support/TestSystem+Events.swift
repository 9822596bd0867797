// The events of the system, read as everybody else reads them.
import Foundation
import Kafka
import TestSupport
import Wire

@testable import Operations

extension TestSystem {
    var bootstrap: String { run.bootstrap ?? "" }

    /// Every event so far, oldest first.
    func events() throws -> [JSON] {
        let result = try bookstore("watch", "--from-beginning", "--until-now")
        guard result.status == 0 else { throw NoAnswer(description: "watch: \(result.errors)") }
        return result.output.split(separator: "\n").compactMap { try? JSON(parsing: Array($0.utf8)) }
    }

    /// Those of one type whose field has this value.
    func events(_ type: String, _ field: String, _ value: Int64) throws -> [JSON] {
        try events().filter { $0["eventType"].string == type && $0[field].integer == value }
    }

    /// The types of the events about an order, in order.
    func history(ofOrder id: Int64) throws -> [String] {
        try events().filter { $0["orderId"].integer == id }.compactMap { $0["eventType"].string }
    }

    /// Waits for the first event of this type whose field has this value.
    @discardableResult
    func awaitEvent(_ type: String, _ field: String, _ value: Int64, timeout seconds: Double = 20) throws -> JSON {
        try eventually(timeout: seconds, "\(type) with \(field) \(value)", every: 100) {
            try events(type, field, value).first
        }
    }

    /// Writes a record as a stranger with a producer would.
    func produce(_ value: String, to topic: String, partition: Int, key: String? = nil) throws {
        let producer = try Producer(KafkaSettings(bootstrap: bootstrap), clientID: "stranger")
        try producer.send(
            OutgoingRecord(
                topic: topic, partition: Int32(partition), key: key.map { Array($0.utf8) }, value: Array(value.utf8)))
        try producer.flush(timeoutMilliseconds: 10_000)
    }

    func deadLetterRecords() throws -> [JSON] {
        try bookstore("dead-letters", "list", "--json").output.split(separator: "\n").map {
            try JSON(parsing: Array($0.utf8))
        }
    }
}
