// What a consumer is given, and when.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct FetchTests {
    @Test(arguments: BrokerUnderTest.all)
    func aWaitingFetchWakesAtOnceOnNewData(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let reader = try broker.client()
        let writer = try broker.client()
        let started = ContinuousClock.now
        try reader.sendFetch([(topic, 0, 0)], wait: 20_000)
        try reader.awaitTaken()
        _ = try writer.produce(topic, batch(["news"]))
        let fetched = try #require(try reader.receiveFetch().first)
        #expect(fetched.values == ["news"])
        #expect(ContinuousClock.now - started < .seconds(10))
    }

    @Test(arguments: BrokerUnderTest.all)
    func aWaitingFetchLearnsAtOnceThatItsTopicIsDeleted(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let reader = try broker.client()
        let started = ContinuousClock.now
        try reader.sendFetch([(topic, 0, 0)], wait: 20_000)
        try reader.awaitTaken()
        #expect(try broker.client().deleteTopic(topic) == 0)
        #expect(try reader.receiveFetch().first?.code == 3)
        #expect(ContinuousClock.now - started < .seconds(10))
    }

    @Test(arguments: BrokerUnderTest.all)
    func aFetchWaitsForItsMinimumAndNoLongerThanAsked(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let client = try broker.client()
        let started = ContinuousClock.now
        #expect(try client.fetch(topic, wait: 300).values == [])
        #expect(ContinuousClock.now - started >= .milliseconds(290))
        _ = try client.produce(topic, batch(["small"]))
        let again = ContinuousClock.now
        #expect(try client.fetch(topic, wait: 300, minimumBytes: 100_000).values == ["small"])
        #expect(ContinuousClock.now - again >= .milliseconds(290))
        let other = try broker.client()
        try client.sendFetch([(topic, 0, 0)], wait: 20_000, minimumBytes: 5_000)
        for _ in 0..<10 { _ = try other.produce(topic, batch([String(repeating: "x", count: 1000)])) }
        #expect(try #require(try client.receiveFetch().first).bytes.count >= 5_000)
    }

    @Test(arguments: BrokerUnderTest.all)
    func nobodyWaitsForWhatCannotCome(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic(configs: ["segment.bytes": "1048576"])
        let client = try broker.client()
        let long = String(repeating: "s", count: 600_000)
        for _ in 0..<3 { _ = try client.produce(topic, batch([long])) }
        let started = ContinuousClock.now
        // More than may be sent, and more than there is in a segment behind the last.
        #expect(
            try client.fetch(topic, from: 2, wait: 20_000, minimumBytes: 900_000, maximumBytes: 50).values == [long])
        #expect(try client.fetch(topic, wait: 20_000, minimumBytes: 900_000).values == [long])
        #expect(ContinuousClock.now - started < .seconds(10))
        // The same for whoever may not read what an open transaction has in the last segment.
        let (id, writer) = (unique("tx"), try broker.client())
        let me = try writer.initProducer(id)
        #expect(try writer.addPartitions(id, me, topic, [0]) == [0])
        let open = batch([long], producerId: me.id, epoch: me.epoch, sequence: 0, transactional: true)
        #expect(try writer.produce(topic, open, transactionalId: id).code == 0)
        let again = ContinuousClock.now
        #expect(
            try client.fetch(topic, from: 2, wait: 20_000, minimumBytes: 900_000, readCommitted: true).values == [long])
        #expect(ContinuousClock.now - again < .seconds(10))
        #expect(try writer.endTransaction(id, me, commit: false) == 0)
    }

    @Test(arguments: BrokerUnderTest.all)
    func offsetsOutOfRangeAndUnknownPartitionsAreTold(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let client = try broker.client()
        _ = try client.produce(topic, batch(["a"]))
        #expect(try client.fetch(topic, from: 1).code == 0)
        #expect(try client.fetch(topic, from: 2).code == 1)
        #expect(try client.fetch(topic, from: -5).code == 1)
        #expect(try client.fetch(topic, 9).code == 3)
        #expect(try client.fetch(unique("absent"), wait: 5_000).code == 3)
    }

    @Test(arguments: BrokerUnderTest.all)
    func theFirstBatchComesWholeHoweverSmallTheLimit(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let client = try broker.client()
        let long = String(repeating: "y", count: 50_000)
        _ = try client.produce(topic, batch([long]))
        _ = try client.produce(topic, batch(["next"]))
        #expect(try client.fetch(topic, maximumBytes: 100, partitionBytes: 100).values == [long])
        #expect(try client.fetch(topic, partitionBytes: 60_000).values == [long, "next"])
    }

    @Test(arguments: BrokerUnderTest.all)
    func manyPartitionsAreReadWithOneRequest(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic(partitions: 12)
        let client = try broker.client()
        for partition in Int32(0)..<12 {
            for record in 0..<20 {
                _ = try client.produce(topic, batch(["\(partition)/\(record)"]), partition: partition)
            }
        }
        try client.sendFetch((0..<12).map { (topic, $0, 10) }, wait: 1000)
        let fetched = try client.receiveFetch()
        #expect(fetched.count == 12)
        for (partition, answer) in fetched.enumerated() {
            #expect(answer.highWatermark == 20 && answer.logStart == 0)
            #expect(answer.values.last == "\(partition)/19" && answer.values.contains("\(partition)/10"))
        }
    }

    @Test(arguments: BrokerUnderTest.all)
    func offsetsAreFoundByEndAndByTime(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let client = try broker.client()
        let base: Int64 = Int64(Date().timeIntervalSince1970 * 1000) - 100_000
        for number in Int64(0)..<100 {
            _ = try client.produce(topic, batch(["\(number)"], timestamp: base + number * 10))
        }
        #expect(try client.listOffset(topic, timestamp: -2).offset == 0)
        #expect(try client.listOffset(topic, timestamp: -1).offset == 100)
        #expect(try client.listOffset(topic, timestamp: base).offset == 0)
        #expect(try client.listOffset(topic, timestamp: base + 405).offset == 41)
        #expect(try client.listOffset(topic, timestamp: base + 410).offset == 41)
        #expect(try client.listOffset(topic, timestamp: base + 100_000).offset == -1)
        #expect(try client.listOffset(topic, 5, timestamp: -1).code == 3)
    }

    @Test(arguments: BrokerUnderTest.all)
    func everyOffsetIsFoundInALongLog(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let client = try broker.client()
        let filler = String(repeating: "z", count: 300)
        for start in 0..<100 { _ = try client.produce(topic, batch((0..<7).map { "\(start * 7 + $0) \(filler)" })) }
        for offset in stride(from: Int64(0), to: 700, by: 13) {
            let fetched = try client.fetch(topic, from: offset, partitionBytes: 4000)
            let first = try #require(fetched.batches.first)
            #expect(first.header.baseOffset <= offset && offset <= first.header.lastOffset)
            #expect(fetched.values.contains { $0.hasPrefix("\(offset) ") })
        }
    }
}
