// When the files follow the log: in time, also where a batch is open whenever it is time.
import Kafka
import TestSupport
import Testing
import Wire

@testable import Worker
@testable import counter

@Suite struct StoreTests {
    /// One worker with one shard, and nothing that goes wrong.
    private func withLoop(_ limits: WorkerLimits, _ body: (WorkerLoop, ModelBroker) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let broker = ModelBroker(seed: 1, topics: Counters.system.topics, service: "counter", shardCount: 1)
            broker.isRough = false
            let log = ModelLog(member: 0, broker: broker)
            let transport = ModelTransport(broker, replyPartition: 0)
            let caller = Caller(
                topics: broker.topics, instance: "w", transport: transport, limits: limits, patience: .service,
                incarnation: "1", wall: broker.clock.wall)
            let identity = ShardIdentity(
                cluster: "c", system: "counting", service: "counter", shard: 0, shardCount: 1)
            let loop = WorkerLoop(
                service: Service(Counters.service, migrations: [counterSchema], counterRules), system: Counters.system,
                identity: identity, directory: directory, log: log, caller: caller, limits: limits, clock: broker.clock)
            defer { loop.close() }
            log.keeper = loop
            // It lets go of nothing, and gets everything.
            broker.join(log)
            try loop.step { _ in }
            broker.tick()
            try loop.step { _ in }
            try body(loop, broker)
        }
    }

    /// Events come every millisecond, so that batches are open nearly all the time and the worker is never calm.
    @Test func anOpenBatchDoesNotPostponeTheFile() throws {
        let limits = WorkerLimits()
        try withLoop(limits) { loop, broker in
            let shard = try #require(loop.custody.shard(0))
            var lastStored = broker.now
            var longest: Int64 = 0
            var times = 0
            for _ in 0..<3_000 {
                broker.now += 1
                broker.append(
                    OutgoingRecord(
                        topic: broker.topics.events, partition: 0, key: nil,
                        value: Array(#"{"eventType":"Counted","counterId":1,"value":1}"#.utf8)))
                try loop.step { _ in }
                guard !shard.store.isInTransaction else { continue }
                longest = max(longest, broker.now - lastStored)
                lastStored = broker.now
                times += 1
            }
            #expect(loop.counters.transactions > 100)
            #expect(longest <= limits.storeMilliseconds + 2 * limits.lingerMilliseconds + 2)
            #expect(times <= 14, "and not for every batch")
        }
    }
}
