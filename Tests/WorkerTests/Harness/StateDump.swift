// What a shard holds, as its file has it and as its state topic has it: both must be the same, byte for byte.
import Foundation
import Kafka
import SQLite
import TestSupport
import Testing
import Wire

@testable import Worker

struct StateDump: Equatable {
    /// Row by key, both as the state topic spells them.
    var rows: [String: String] = [:]

    /// All tables but the one that describes the file itself.
    static func ofFile(_ path: String) throws -> StateDump {
        let store = try Connection(path: path)
        defer { store.close() }
        var dump = StateDump()
        for name in try store.tableNames() where name != ShardSchema.local {
            let table = try store.tableInfo(name)
            let columns = table.columns.map(\.name)
            for row in try store.query("SELECT \(columns.joined(separator: ", ")) FROM \(name)") {
                let change = RowChange(table: name, key: table.primaryKey.map { row.values[$0] }, row: row.values)
                let record = StateRecords.record(change, columns: columns, topic: "", partition: 0, schema: 1)
                dump.rows[text(record.key)] = text(record.value)
            }
        }
        return dump
    }

    static func ofTopic(_ topic: String, _ partition: Int32, _ settings: KafkaSettings) throws -> StateDump {
        ofRecords(try readAll(topic, partition, settings))
    }

    static func ofRecords(_ records: [Record]) -> StateDump {
        var dump = StateDump()
        for record in records {
            dump.rows[text(record.key)] = record.value.map { text($0) }
        }
        return dump
    }

    private static func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

    /// Up to ten differences, for people.
    func differences(from other: StateDump) -> [String] {
        Set(rows.keys).union(other.rows.keys).sorted().filter { rows[$0] != other.rows[$0] }.prefix(10).map {
            "\($0): \(rows[$0] ?? "-") / \(other.rows[$0] ?? "-")"
        }
    }
}

/// The committed records of a partition.
func readAll(_ topic: String, _ partition: Int32, _ settings: KafkaSettings) throws -> [Record] {
    let reader = try Reader(settings, clientID: "dump")
    defer { reader.close() }
    let place = TopicPartition(topic: topic, partition: partition)
    let end = try eventually(timeout: 30, "watermarks of \(place)", every: 50) {
        try? reader.watermarks(place, timeoutMilliseconds: 5_000)
    }
    try reader.assign([Position(topic: topic, partition: partition, offset: end.low)])
    var records: [Record] = []
    try eventually(timeout: 60, "the end of \(place)", every: 0) {
        switch reader.poll(timeoutMilliseconds: 100) {
        case .record(let record): records.append(record)
        case .failed(let error) where error.remedy != .retry: throw error
        case .failed, .idle, .end: break
        }
        return (reader.position(of: place) ?? 0) >= end.high
    }
    return records
}

extension Counting {
    /// The files of stopped workers equal what a rebuild from the topic would give. Files of shards that a worker gave
    /// away meanwhile are not compared: pass those it owned last.
    func filesEqualTopic(_ owned: [(worker: CounterWorker, shard: Int)]) throws {
        for (worker, shard) in owned {
            let file = try StateDump.ofFile(worker.file(shard))
            let topic = try StateDump.ofTopic(topics.state(service), Int32(shard), broker.settings)
            let differences = file.differences(from: topic)
            #expect(differences.isEmpty, "shard \(shard), file / topic: \(differences.joined(separator: "\n"))")
        }
    }
}
