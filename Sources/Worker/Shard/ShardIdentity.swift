// What a shard's file must belong to. A file of anything else is thrown away: Kafka has the truth.
struct ShardIdentity: Equatable {
    let cluster: String
    let system: String
    let service: String
    let shard: Int32
    let shardCount: Int32

    var rows: [(name: String, value: String)] {
        [
            ("cluster", cluster), ("system", system), ("service", service), ("shard", String(shard)),
            ("shards", String(shardCount)),
        ]
    }
}
