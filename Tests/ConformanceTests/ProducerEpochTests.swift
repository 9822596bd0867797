// Producers that come again: whose answer was lost, whose transaction was ended without it, and who is somebody else.
import TestSupport
import Testing

@testable import Broker

@Suite struct ProducerEpochTests {
    @Test(arguments: BrokerUnderTest.all)
    func aProducerThatAsksTwiceIsTheSame(_ broker: BrokerUnderTest) throws {
        let (client, id) = (try broker.client(), unique("tx"))
        let first = try client.initProducer(id)
        let second = try client.initProducer(id, current: first)
        #expect(second == .init(code: 0, id: first.id, epoch: first.epoch + 1))
        // The answer was lost on its way: asked once more, it is the same.
        #expect(try client.initProducer(id, current: first) == second)
        #expect(try client.initProducer(id, current: .init(code: 0, id: first.id, epoch: 77)).code == 90)
        #expect(try client.initProducer(id, current: .init(code: 0, id: first.id + 1_000_000, epoch: 0)).code == 90)
        // A new process does not say who it was: nobody before it comes back.
        let successor = try client.initProducer(id)
        #expect(successor.code == 0 && successor.epoch > second.epoch)
        #expect(try client.initProducer(id, current: second).code == 90)
    }

    @Test(arguments: BrokerUnderTest.all)
    func itsOwnOpenTransactionIsAbortedForIt(_ broker: BrokerUnderTest) throws {
        let (client, id, topic) = (try broker.client(), unique("tx"), try broker.topic())
        let me = try client.initProducer(id)
        #expect(try client.addPartitions(id, me, topic, [0]) == [0])
        let sent = batch(["x"], producerId: me.id, epoch: me.epoch, sequence: 0, transactional: true)
        #expect(try client.produce(topic, sent, transactionalId: id).code == 0)
        let again = try client.initProducer(id, current: me)
        #expect(again == .init(code: 0, id: me.id, epoch: me.epoch + 1))
        try eventually { try client.fetch(topic, readCommitted: true).aborted == [[me.id, 0]] }
        #expect(try client.addPartitions(id, again, topic, [0]) == [0])
        #expect(try client.endTransaction(id, again, commit: true) == 0)
    }

    @Test(arguments: BrokerUnderTest.all)
    func afterATimeoutItMayComeBack(_ broker: BrokerUnderTest) throws {
        let (client, id, topic) = (try broker.client(), unique("tx"), try broker.topic())
        let me = try client.initProducer(id, timeout: 1000)
        #expect(try client.addPartitions(id, me, topic, [0]) == [0])
        let sent = batch(["late"], producerId: me.id, epoch: me.epoch, sequence: 0, transactional: true)
        #expect(try client.produce(topic, sent, transactionalId: id).code == 0)
        try eventually(timeout: 15, "the abort") {
            try client.fetch(topic, readCommitted: true).aborted == [[me.id, 0]]
        }
        let back = try client.initProducer(id, current: me)
        #expect(back.code == 0 && back.id == me.id && back.epoch > me.epoch)
        #expect(try client.addPartitions(id, back, topic, [0]) == [0])
        #expect(try client.endTransaction(id, back, commit: true) == 0)
    }

    @Test(arguments: BrokerUnderTest.all)
    func everyPartitionOfATransactionGetsItsMarker(_ broker: BrokerUnderTest) throws {
        let (client, id, topic) = (try broker.client(), unique("tx"), try broker.topic(partitions: 2))
        let me = try client.initProducer(id)
        for commit in [true, false] {
            #expect(try client.addPartitions(id, me, topic, [0, 1]) == [0, 0])
            #expect(try client.endTransaction(id, me, commit: commit) == 0)
        }
        for partition in Int32(0)...1 {
            try eventually { try client.fetch(topic, partition, readCommitted: true).lastStableOffset == 2 }
            let fetched = try client.fetch(topic, partition, readCommitted: true)
            #expect(fetched.batches.map(\.header.isControl) == [true, true] && fetched.aborted == [])
        }
    }

    @Test(arguments: BrokerUnderTest.all)
    func whatIsNotInTheTransactionStaysOut(_ broker: BrokerUnderTest) throws {
        let (client, id, topic) = (try broker.client(), unique("tx"), try broker.topic())
        let me = try client.initProducer(id)
        #expect(try client.addPartitions(id, me, topic, [0]) == [0])
        func send(_ sequence: Int32, transactional: Bool, id: String?) throws -> Int16 {
            let bytes = batch(
                ["v"], producerId: me.id, epoch: me.epoch, sequence: sequence, transactional: transactional)
            return try client.produce(topic, bytes, transactionalId: id).code
        }
        #expect(try send(0, transactional: true, id: nil) == 53)
        #expect(try send(0, transactional: true, id: id) == 0)
        #expect(try send(1, transactional: false, id: id) == 48)
        let nameless = RawClient.Identity(code: 0, id: me.id, epoch: me.epoch)
        #expect(try client.addPartitions("", nameless, topic, [0]) == [42])
        #expect(try client.addOffsets("", nameless, group: "g") == 42)
        #expect(try client.endTransaction("", nameless, commit: true) == 42)
        #expect(try client.endTransaction(id, me, commit: true) == 0)
        try eventually { try client.fetch(topic, readCommitted: true).lastStableOffset == 2 }
    }
}
