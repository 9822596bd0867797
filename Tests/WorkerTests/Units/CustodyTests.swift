// Shards that are taken from a state topic with anything in it: garbage is passed over, another number of shards is not.
import Contract
import Kafka
import Platform
import SQLite
import TestSupport
import Testing
import Wire

@testable import Worker
@testable import counter

@Suite struct CustodyTests {
    private func bench(_ directory: String, _ broker: ModelBroker? = nil, shards: Int32 = 2) -> CustodyBench {
        let broker =
            broker ?? ModelBroker(seed: 7, topics: Counters.system.topics, service: "counter", shardCount: shards)
        return CustodyBench(broker, shards: shards, directory: directory)
    }

    @Test(arguments: [
        (#"{"table":"runtime_local","pk":["schema"]}"#, #"{"name":"schema","value":"9"}"#),
        (#"{"table":"runtime_sequences","pk":["runtime:shards"]}"#, #"{"name":"runtime:shards","last":"two"}"#),
        (#"{"table":"runtime_offsets","pk":["counting"]}"#, #"{"topic":"counting","next":null}"#),
        (#"{"table":"sqlite_master","pk":[]}"#, nil), (#"{"table":"nothing","pk":[1]}"#, "{}"),
        (#"{"table":"counters","pk":[]}"#, nil), (#"{"table":"counters","pk":[1,2]}"#, nil),
        (#"{"table":"counters","pk":[[1]]}"#, nil), (#"{"table":"counters","pk":[1]}"#, "{}"),
        (#"{"table":"counters","pk":[1]}"#, #"{"counterId":1,"value":true,"seen":0}"#),
        (#"{"table":"counters","pk":[1]}"#, #"{"counterId) VALUES (1); DROP TABLE counters; --":1}"#),
        (#"{"table":"counters","pk":[1]}"#, #"{"counterId":null,"value":null,"seen":null}"#),
        (#"{"table":"counters","pk":[1]}"#, "not JSON"), (#"{"table":1,"pk":1}"#, "{}"), ("[]", nil), ("", ""),
        (#"{"table":"counters; DROP TABLE counters","pk":[1]}"#, nil),
    ])
    func garbageIsSkipped(_ key: String, _ value: String?) throws {
        try withTemporaryDirectory { directory in
            let bench = bench(directory)
            bench.put(0, CustodyBench.counter(1, 5).key, CustodyBench.counter(1, 5).value)
            bench.put(0, key, value)
            bench.put(0, CustodyBench.counter(3, 6).key, CustodyBench.counter(3, 6).value)
            let positions = bench.take([0, 1])
            #expect(positions != nil, "\(bench.failure)")
            let counters = try bench.counters(0)
            #expect(counters == [5, 6])
            #expect(bench.custody.lastRestore.skipped == 1 && bench.custody.lastRestore.rows == 2)
            bench.custody.closeAll()
        }
    }

    /// Bytes of chance, and rows with a byte of chance in them, before and behind rows that are true.
    @Test func anyBytesAreSkipped() throws {
        try withTemporaryDirectory { directory in
            let bench = bench(directory)
            var random = SeededRandom(seed: 99)
            for round in 0..<4_000 {
                let row = CustodyBench.counter(Int64(random.below(40) * 2 + 100_001), 1)
                var (key, value) = (Array(row.key.utf8), Array(row.value.utf8))
                switch random.below(4) {
                case 0: key = (0..<random.below(60)).map { _ in UInt8(random.below(256)) }
                case 1: key[random.below(key.count)] = UInt8(random.below(256))
                case 2: value = (0..<random.below(60)).map { _ in UInt8(random.below(256)) }
                default: value[random.below(value.count)] = UInt8(random.below(256))
                }
                let schemas = ["", "x", "-3", "0", nil]
                let schema = random.once(in: 5) ? schemas[random.below(schemas.count)] : "1"
                bench.put(0, key: key, value: random.once(in: 9) ? nil : value, schema: schema)
                guard round % 100 == 0 else { continue }
                // A counter far from those that chance can name.
                let truth = CustodyBench.counter(1, Int64(round))
                bench.put(0, truth.key, truth.value)
            }
            let positions = bench.take([0, 1])
            #expect(positions != nil, "\(bench.failure)")
            let counters = try bench.counters(0)
            #expect(counters.first == 3_900)
            #expect(bench.custody.lastRestore.skipped > 1_000)
            bench.custody.closeAll()
        }
    }

    @Test func stateOfANewerProgramIsNoGarbage() throws {
        try withTemporaryDirectory { directory in
            let bench = bench(directory)
            bench.put(0, #"{"table":"yet_unknown","pk":[1]}"#, "{}", schema: "2")
            #expect(bench.take([0, 1]) == nil)
            #expect(bench.failure.contains("a newer version of it has run"))
        }
    }

    /// The topics got more partitions: a worker that was given only new ones must find out from the old ones.
    @Test func newShardsOfARaisedNumberAreRefused() throws {
        try withTemporaryDirectory { directory in
            let before = bench(directory, shards: 2)
            for filler in 0..<3_000 { before.put(1, CustodyBench.counter(2, Int64(filler)).key, "garbage") }
            before.put(
                1, #"{"table":"runtime_sequences","pk":["runtime:shards"]}"#, #"{"name":"runtime:shards","last":2}"#)
            let after = bench(directory, before.broker, shards: 4)
            #expect(after.take([2, 3]) == nil)
            #expect(after.failure.contains("built with 2 shards, its topics now have 4 partitions"))
            // With the number they were built with, an empty shard beside one with state is nothing strange.
            let same = bench(directory, before.broker, shards: 2)
            let positions = same.take([0])
            #expect(positions != nil, "\(same.failure)")
            same.custody.closeAll()
        }
    }

    /// One shard is new, one has no state to tell, the third has a lot: its first rows say what there is to know.
    @Test func oneOtherShardIsEnoughToAsk() throws {
        try withTemporaryDirectory { directory in
            let bench = bench(directory, shards: 3)
            bench.put(
                2, #"{"table":"runtime_sequences","pk":["runtime:shards"]}"#, #"{"name":"runtime:shards","last":3}"#)
            for filler in 0..<10_000 { bench.put(2, CustodyBench.counter(3, Int64(filler)).key, "garbage") }
            bench.log.fuse = 100
            let positions = bench.take([0])
            #expect(positions != nil, "\(bench.failure)")
            bench.custody.closeAll()
        }
    }

    /// The others need no restore.
    @Test func onlyTheDamagedFileIsRemoved() throws {
        try withTemporaryDirectory { directory in
            let bench = bench(directory)
            let positions = bench.take([0, 1])
            #expect(positions != nil, "\(bench.failure)")
            let paths = bench.custody.all.map(\.path)
            let shard = try #require(bench.custody.shard(1))
            let error = try #require(throws: SQLiteError.self) { try shard.store.execute("what?") }
            let corrupt = StoreFailure(SQLiteError(code: 11, message: "malformed", file: error.file))
            #expect(bench.custody.discardIfDamaged(corrupt).contains("\(paths[1]) is damaged"))
            #expect(FileSystem.exists(paths[0]) && !FileSystem.exists(paths[1]))
            bench.custody.closeAll()
        }
    }

    /// Rows and places are one transaction: a group that has forgotten some of its offsets is not believed.
    @Test func theStateKnowsBetterThanAGroupThatForgets() throws {
        try withTemporaryDirectory { directory in
            let bench = bench(directory)
            for input in bench.broker.inputs(0) {
                let key = #"{"table":"runtime_offsets","pk":["\#(input.topic)"]}"#
                bench.put(0, key, #"{"topic":"\#(input.topic)","next":7}"#)
                bench.broker.offsets[input] = 3
            }
            let positions = bench.take([0])
            #expect(positions?.map(\.offset) == [7, 7], "\(bench.failure)")
            bench.custody.closeAll()
        }
    }

    /// The other way round, something is lost that nobody can bring back.
    @Test func aStateBehindItsGroupIsRefused() throws {
        try withTemporaryDirectory { directory in
            let bench = bench(directory)
            let inputs = bench.broker.inputs(0)
            for (input, committed) in zip(inputs, [Int64(3), 9]) {
                let key = #"{"table":"runtime_offsets","pk":["\#(input.topic)"]}"#
                bench.put(0, key, #"{"topic":"\#(input.topic)","next":7}"#)
                bench.broker.offsets[input] = committed
            }
            #expect(bench.take([0]) == nil)
            #expect(bench.failure.contains("the group has read up to"))
        }
    }
}
