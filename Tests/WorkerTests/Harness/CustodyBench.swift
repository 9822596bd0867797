// Shards of the counter service taken from a log in memory, for what a start makes of the log and of the files.
import Kafka
import Wire

@testable import Worker
@testable import counter

/// A log in memory with so many shards, and a custody that takes from it.
final class CustodyBench {
    static let service = Service(Counters.service, migrations: [counterSchema], counterRules)

    /// A row as the state topic has it.
    static func counter(_ id: Int64, _ value: Int64) -> (key: String, value: String) {
        (#"{"table":"counters","pk":[\#(id)]}"#, #"{"counterId":\#(id),"value":\#(value),"seen":0}"#)
    }

    let broker: ModelBroker
    let log: ModelLog
    let custody: ShardCustody

    init(_ broker: ModelBroker, shards: Int32, directory: String) {
        self.broker = broker
        log = ModelLog(member: 0, broker: broker)
        let identity = ShardIdentity(
            cluster: "c", system: "counting", service: "counter", shard: 0, shardCount: shards)
        custody = ShardCustody(
            service: CustodyBench.service, topics: broker.topics, identity: identity, directory: directory,
            limits: WorkerLimits(), log: log, monotonic: { 0 })
    }

    func take(_ shards: [Int32]) -> [Position]? { custody.take(shards.flatMap(broker.inputs)) }

    var failure: String { custody.failure.map { "\($0)" } ?? "" }

    func put(_ shard: Int32, key: [UInt8]?, value: [UInt8]?, schema: String?) {
        broker.append(
            OutgoingRecord(
                topic: broker.stateTopic(shard).topic, partition: shard, key: key, value: value,
                headers: schema.map { [Header(HeaderName.schema, $0)] } ?? []))
    }

    func put(_ shard: Int32, _ key: String, _ value: String?, schema: String? = "1") {
        put(shard, key: Array(key.utf8), value: value.map { Array($0.utf8) }, schema: schema)
    }

    func counters(_ shard: Int32) throws -> [Int64] {
        try custody.shard(shard)?.store.query("SELECT value FROM counters ORDER BY counterId").map {
            try $0.integer("value")
        } ?? []
    }
}
