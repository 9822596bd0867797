// Transactions: all or nothing, for every reader, whoever dies.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct TransactionTests {
    /// A producer with a transaction begun in the partitions of a topic.
    private func begin(
        _ client: RawClient, _ id: String, _ topic: String, _ partitions: [Int32] = [0], timeout: Int32 = 60_000
    ) throws -> RawClient.Identity {
        let me = try client.initProducer(id, timeout: timeout)
        #expect(me.code == 0)
        #expect(try client.addPartitions(id, me, topic, partitions).allSatisfy { $0 == 0 })
        return me
    }

    private func send(
        _ client: RawClient, _ id: String, _ me: RawClient.Identity, _ topic: String, _ values: [String],
        partition: Int32 = 0, sequence: Int32 = 0
    ) throws -> Int16 {
        try client.produce(
            topic, batch(values, producerId: me.id, epoch: me.epoch, sequence: sequence, transactional: true),
            partition: partition, transactionalId: id
        ).code
    }

    @Test(arguments: BrokerUnderTest.all)
    func committedRecordsAppearTogetherAndOnlyThen(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic(partitions: 3)
        let (client, id) = (try broker.client(), unique("tx"))
        let me = try begin(client, id, topic, [0, 1, 2])
        for partition in Int32(0)..<3 {
            let code = try send(client, id, me, topic, ["a", "b"], partition: partition)
            #expect(code == 0)
        }
        for partition in Int32(0)..<3 {
            let open = try client.fetch(topic, partition, readCommitted: true)
            #expect(open.values == [] && open.lastStableOffset == 0 && open.highWatermark == 2)
            #expect(try client.fetch(topic, partition).values == ["a", "b"])
            #expect(try client.listOffset(topic, partition, timestamp: -1, readCommitted: true).offset == 0)
            #expect(try client.listOffset(topic, partition, timestamp: -1).offset == 2)
        }
        #expect(try client.endTransaction(id, me, commit: true) == 0)
        for partition in Int32(0)..<3 {
            try eventually { try client.fetch(topic, partition, readCommitted: true).lastStableOffset == 3 }
            let closed = try client.fetch(topic, partition, readCommitted: true)
            #expect(closed.values == ["a", "b"] && closed.aborted == [])
            let marker = try #require(closed.batches.last)
            #expect(marker.header.isControl && marker.header.isTransactional && marker.header.producerId == me.id)
            #expect(BatchBuilder.markerCommits(marker.header, closed.bytes, at: marker.start) == true)
        }
        #expect(try client.endTransaction(id, me, commit: true) == 0)
        #expect(try client.endTransaction(id, me, commit: false) == 48)
    }

    @Test(arguments: BrokerUnderTest.all)
    func abortedRecordsAreListedForTheReader(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let (client, id) = (try broker.client(), unique("tx"))
        _ = try client.produce(topic, batch(["before"]))
        let me = try begin(client, id, topic)
        #expect(try send(client, id, me, topic, ["x", "y"]) == 0)
        _ = try client.produce(topic, batch(["between"]))
        #expect(try client.fetch(topic, readCommitted: true).values == ["before"])
        #expect(try client.endTransaction(id, me, commit: false) == 0)
        try eventually { try client.fetch(topic, readCommitted: true).lastStableOffset == 5 }
        let closed = try client.fetch(topic, readCommitted: true)
        #expect(closed.aborted == [[me.id, 1]])
        #expect(closed.values == ["before", "x", "y", "between"])
        // A reader past the marker has nothing to know; one before it all.
        _ = try client.produce(topic, batch(["after"]))
        #expect(try client.fetch(topic, from: 5, readCommitted: true).aborted == [])
        #expect(try client.fetch(topic, from: 2, readCommitted: true).aborted == [[me.id, 1]])
        let reader = try kafkaReader(broker, topic)
        #expect(reader == ["before", "between", "after"])
    }

    @Test(arguments: BrokerUnderTest.all)
    func aReaderIsNotToldOfWhatWasAbortedFarBehindItsRecords(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let (client, id) = (try broker.client(), unique("tx"))
        let me = try client.initProducer(id)
        let long = String(repeating: "l", count: 20_000)
        for sequence in Int32(0)..<6 {
            try eventually { try client.addPartitions(id, me, topic, [0]) == [0] }
            #expect(try send(client, id, me, topic, [long], sequence: sequence) == 0)
            #expect(try client.endTransaction(id, me, commit: false) == 0)
        }
        try eventually { try client.fetch(topic, readCommitted: true).aborted.count == 6 }
        let short = try client.fetch(topic, from: 2, partitionBytes: 100, readCommitted: true)
        #expect(short.values == [long])
        #expect(short.aborted.contains([me.id, 2]) && short.aborted.count < 4)
    }

    @Test(arguments: BrokerUnderTest.all)
    func aWaitingCommittedReaderWakesWhenTheTransactionEnds(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let (client, reader, id) = (try broker.client(), try broker.client(), unique("tx"))
        let me = try begin(client, id, topic)
        #expect(try send(client, id, me, topic, ["x"]) == 0)
        let started = ContinuousClock.now
        try reader.sendFetch([(topic, 0, 0)], wait: 20_000, readCommitted: true)
        try reader.awaitTaken()
        #expect(try client.endTransaction(id, me, commit: true) == 0)
        #expect(try #require(try reader.receiveFetch().first).values == ["x"])
        #expect(ContinuousClock.now - started < .seconds(10))
    }

    @Test(arguments: BrokerUnderTest.all)
    func aSuccessorFencesAndAbortsItsPredecessor(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let (client, id) = (try broker.client(), unique("tx"))
        let old = try begin(client, id, topic)
        #expect(try send(client, id, old, topic, ["old"]) == 0)
        let new = try client.initProducer(id)
        #expect(new.code == 0 && (new.id != old.id || new.epoch > old.epoch))
        try eventually { try client.fetch(topic, readCommitted: true).lastStableOffset == 2 }
        #expect(try client.fetch(topic, readCommitted: true).aborted == [[old.id, 0]])
        #expect(try client.endTransaction(id, old, commit: true) == 90)
        #expect(try client.addPartitions(id, old, topic, [0]) == [90])
        #expect(try send(client, id, old, topic, ["zombie"], sequence: 1) == 47)
        #expect(try client.addPartitions(id, new, topic, [0]) == [0])
        #expect(try send(client, id, new, topic, ["new"]) == 0)
        #expect(try client.endTransaction(id, new, commit: true) == 0)
        #expect(try kafkaReader(broker, topic) == ["new"])
    }

    @Test(arguments: BrokerUnderTest.all)
    func whatIsOutsideATransactionIsRefused(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic(partitions: 2)
        let (client, id) = (try broker.client(), unique("tx"))
        let me = try client.initProducer(id)
        #expect(try client.endTransaction(id, me, commit: true) == 48)
        #expect(try Set(client.addPartitions(id, me, topic, [0, 9])) == [55, 3])
        #expect(try client.addPartitions(id, me, topic, [0]) == [0])
        let stranger = RawClient.Identity(code: 0, id: me.id + 1_000_000, epoch: 0)
        #expect(try client.addPartitions(id, stranger, topic, [0]) == [49])
        #expect(try client.addPartitions(unique("unknown"), me, topic, [0]) == [49])
        #expect(try client.endTransaction(id, me, commit: false) == 0)
        #expect(try client.initProducer(id, timeout: 0).code == 50)
        #expect(try client.initProducer(id, timeout: Int32.max).code == 50)
        #expect(try client.initProducer("").code == 42)
    }

    @Test(arguments: BrokerUnderTest.all)
    func aTransactionThatTakesTooLongIsAborted(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let (client, id) = (try broker.client(), unique("tx"))
        let me = try begin(client, id, topic, timeout: 1000)
        #expect(try send(client, id, me, topic, ["late"]) == 0)
        try eventually(timeout: 15, "the abort") {
            try client.fetch(topic, readCommitted: true).aborted == [[me.id, 0]]
        }
        let code = try client.endTransaction(id, me, commit: true)
        #expect(code == 90 || code == 47)
        #expect(try kafkaReader(broker, topic) == [])
    }

    @Test(arguments: BrokerUnderTest.all)
    func offsetsCommitWithTheTransactionOrNotAtAll(_ broker: BrokerUnderTest) throws {
        let (input, output) = (try broker.topic(), try broker.topic())
        let (client, id) = (try broker.client(), unique("tx"))
        let member = RawClient.GroupMember(group: unique("g"))
        var me = try begin(client, id, output)
        #expect(try client.addOffsets(id, me, group: member.group) == 0)
        #expect(try client.commitInTransaction(id, me, member, input, offset: 5) == 0)
        #expect(try client.commitInTransaction(id, me, .init(group: ""), input, offset: 5) == 24)
        #expect(try client.committed(member.group, input, stable: true) == (88, -1))
        #expect(try client.committed(member.group, input, stable: false) == (0, -1))
        // Who asks for everything is told what is committed, not what may be.
        #expect(try client.committedTopics(member.group) == [])
        #expect(try client.endTransaction(id, me, commit: true) == 0)
        try eventually { try client.committed(member.group, input) == (0, 5) }
        #expect(try client.committedTopics(member.group) == [input])
        me = try begin(client, id, output)
        #expect(try client.addOffsets(id, me, group: member.group) == 0)
        #expect(try client.commitInTransaction(id, me, member, input, offset: 9) == 0)
        #expect(try client.endTransaction(id, me, commit: false) == 0)
        try eventually { try client.committed(member.group, input) == (0, 5) }
    }

    @Test(arguments: BrokerUnderTest.all)
    func onlyAMemberOfTheGenerationCommitsOffsets(_ broker: BrokerUnderTest) throws {
        let (input, output) = (try broker.topic(), try broker.topic())
        let (client, id, group) = (try broker.client(), unique("tx"), unique("g"))
        let joined = try client.joinWithId(group)
        #expect(try client.sync(group, joined, assignments: [joined.memberId: "all"]).code == 0)
        let me = try begin(client, id, output)
        #expect(try client.addOffsets(id, me, group: group) == 0)
        func commit(_ member: RawClient.GroupMember) throws -> Int16 {
            try client.commitInTransaction(id, me, member, input, offset: 1)
        }
        var member = RawClient.GroupMember(group: group, generation: joined.generation, id: joined.memberId)
        #expect(try commit(member) == 0)
        member.generation += 1
        #expect(try commit(member) == 22)
        member.generation -= 1
        member.id = "somebody"
        #expect(try commit(member) == 25)
        member.instance = "static"
        #expect(try commit(member) == 25)
        #expect(try client.endTransaction(id, me, commit: false) == 0)
    }

    @Test(arguments: BrokerUnderTest.all)
    func offsetsAreListedForBothKindsOfReaders(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let (client, id) = (try broker.client(), unique("tx"))
        let base = Int64(Date().timeIntervalSince1970 * 1000) - 100_000
        for number in Int64(0)..<3 { _ = try client.produce(topic, batch(["\(number)"], timestamp: base + number)) }
        let me = try begin(client, id, topic)
        let pending = batch(
            ["open"], producerId: me.id, epoch: me.epoch, sequence: 0, transactional: true, timestamp: base + 10)
        #expect(try client.produce(topic, pending, transactionalId: id).code == 0)
        func offset(_ timestamp: Int64, _ readCommitted: Bool) throws -> Int64 {
            try client.listOffset(topic, timestamp: timestamp, readCommitted: readCommitted).offset
        }
        for readCommitted in [false, true] {
            #expect(try offset(-2, readCommitted) == 0)
            #expect(try offset(-1, readCommitted) == (readCommitted ? 3 : 4))
            #expect(try offset(base + 2, readCommitted) == 2)
            // By time, what is open is not there yet for a committed reader.
            #expect(try offset(base + 5, readCommitted) == (readCommitted ? -1 : 3))
        }
        #expect(try client.endTransaction(id, me, commit: true) == 0)
        try eventually { try offset(-1, true) == 5 }
        #expect(try offset(base + 5, true) == 3)
    }

    /// What librdkafka shows a committed reader.
    private func kafkaReader(_ broker: BrokerUnderTest, _ topic: String) throws -> [String] {
        try readCommitted(try broker.bootstrap, topic)
    }
}
