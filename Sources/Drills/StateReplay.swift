// The state topics, replayed from zero, must give the rows that the live shard files have.
import Contract
import Kafka
import Operations
import Platform
import SQLite
import Worker

struct StateReplay {
    /// It describes the very file it is in, and is in no topic.
    private static let localTable = "runtime_local"
    private static let findingsMax = 10

    let system: SystemContract
    let run: RunDirectory
    let kafka: KafkaSettings

    func judge() throws -> Judgement {
        var judgement = Judgement()
        var rows = 0
        var shards = 0
        for service in system.services {
            let topic = system.topics.state(service.name)
            let replayed = try replay(topic)
            let files = try liveFiles(service.name)
            for shard in Set(replayed.keys).union(files.keys).sorted() {
                let live = try files[shard].map { try self.rows(of: $0, topic: topic, shard: shard) } ?? [:]
                compare(replayed[shard] ?? [:], live, "\(service.name) shard \(shard)", &judgement)
                rows += live.count
                shards += 1
            }
        }
        judgement.count("rows of \(shards) shards replayed and compared", rows)
        return judgement
    }

    private func compare(
        _ replayed: [[UInt8]: [UInt8]], _ live: [[UInt8]: [UInt8]], _ place: String, _ judgement: inout Judgement
    ) {
        guard replayed != live else { return }
        func text(_ bytes: [UInt8]?) -> String { bytes.map { String(decoding: $0, as: UTF8.self) } ?? "no row" }
        let different = Set(replayed.keys).union(live.keys).filter { replayed[$0] != live[$0] }
        let history = different.prefix(Self.findingsMax).map {
            "\(text($0)): topic \(text(replayed[$0])), file \(text(live[$0]))"
        }
        judgement.accuse(
            "\(place): \(different.count) rows of the replayed topic and of the live file differ",
            history: history.sorted())
    }

    /// The last value of every key that is not deleted.
    private func replay(_ topic: String) throws -> [Int32: [[UInt8]: [UInt8]]] {
        let reader = try TopicReader([topic], from: .beginning, kafka: kafka)
        defer { reader.close() }
        var rows: [Int32: [[UInt8]: [UInt8]]] = [:]
        for record in try reader.readBacklog().sorted(by: { $0.offset < $1.offset })
        where record.header(Vandal.header) == nil {
            rows[record.partition, default: [:]][record.key ?? []] = record.value
        }
        return rows
    }

    /// The newest file of each shard: instances that owned it earlier may still have an old one.
    private func liveFiles(_ service: String) throws -> [Int32: String] {
        var newest: [Int32: (path: String, offset: Int64)] = [:]
        for instance in FileSystem.list(run.path + "/data") where isInstance(instance, of: service) {
            for name in FileSystem.list(run.data(instance)) {
                guard name.hasPrefix("shard-"), name.hasSuffix(".sqlite"),
                    let shard = Int32(name.dropFirst("shard-".count).dropLast(".sqlite".count))
                else { continue }
                let path = run.data(instance) + "/" + name
                let offset = try stateOffset(path)
                if offset > newest[shard]?.offset ?? -1 { newest[shard] = (path, offset) }
            }
        }
        return newest.mapValues(\.path)
    }

    private func isInstance(_ name: String, of service: String) -> Bool {
        name.hasPrefix(service + "-") && name.dropFirst(service.count + 1).allSatisfy(\.isNumber)
    }

    private func stateOffset(_ path: String) throws -> Int64 {
        let file = try Connection(path: path, readOnly: true)
        defer { file.close() }
        let row = try file.first("SELECT value FROM \(Self.localTable) WHERE name = 'state_offset'")
        return try row.flatMap { Int64(try $0.text("value")) } ?? -1
    }

    private func rows(of path: String, topic: String, shard: Int32) throws -> [[UInt8]: [UInt8]] {
        let file = try Connection(path: path, readOnly: true)
        defer { file.close() }
        var rows: [[UInt8]: [UInt8]] = [:]
        for table in try file.tableNames() where table != Self.localTable {
            let info = try file.tableInfo(table)
            for row in try file.query("SELECT * FROM \(table)") {
                let change = RowChange(table: table, key: info.primaryKey.map { row.values[$0] }, row: row.values)
                let record = StateRecords.record(
                    change, columns: row.columns, topic: topic, partition: shard, schema: 0)
                rows[record.key ?? []] = record.value
            }
        }
        return rows
    }
}
