// Transactions: all or nothing, fenced, and in step with the group's offsets.
import Kafka
import TestSupport
import Testing

@Suite struct TransactionTests {
    @Test(arguments: BrokerUnderTest.available)
    func whatIsCommittedIsReadAndWhatIsAbortedIsNot(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic(partitions: 2)
        let producer = try TransactionalProducer(broker.settings, transactionalID: unique("x"))
        try producer.initialise(timeoutMilliseconds: 30_000)
        try producer.warmUp(topics: [topic], timeoutMilliseconds: 10_000)

        try producer.begin()
        for number in 0..<5 { try producer.send(OutgoingRecord(topic, 0, "kept \(number)")) }
        try producer.send(OutgoingRecord(topic, 1, "kept"))
        try producer.commit(timeoutMilliseconds: 10_000)
        #expect(
            producer.takeDelivered() == [
                TopicPartition(topic: topic, partition: 0): 4, TopicPartition(topic: topic, partition: 1): 0,
            ])
        #expect(producer.takeDelivered().isEmpty)

        try producer.begin()
        try producer.send(OutgoingRecord(topic, 0, "dropped"))
        try producer.abort(timeoutMilliseconds: 10_000)
        _ = producer.takeDelivered()
        try producer.begin()
        try producer.send(OutgoingRecord(topic, 0, "last"))
        try producer.commit(timeoutMilliseconds: 10_000)

        let committed = try Reader(broker.settings, clientID: "r").readAll(topic)
        #expect(committed.map(\.text) == (0..<5).map { "kept \($0)" } + ["last"])
        // Offset 5 is the first commit's marker; the aborted record, if it was written, and its marker follow.
        let all = try Reader(broker.settings, clientID: "u", readCommitted: false).readAll(topic)
        #expect(Set(all.compactMap(\.text)).subtracting(["dropped"]) == Set(committed.compactMap(\.text)))
        #expect(producer.fatalError == nil)
    }

    @Test(arguments: BrokerUnderTest.available)
    func theHighWatermarkCountsAnOpenTransaction(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let place = TopicPartition(topic: topic, partition: 0)
        let producer = try TransactionalProducer(broker.settings, transactionalID: unique("x"))
        try producer.initialise(timeoutMilliseconds: 30_000)
        try producer.warmUp(topics: [topic], timeoutMilliseconds: 10_000)
        try producer.begin()
        try producer.send(OutgoingRecord(topic, 0, "open"))
        let reader = try Reader(broker.settings, clientID: "r")
        try eventually { try reader.watermarks(place, timeoutMilliseconds: 10_000).high == 1 }
        #expect(try reader.highWatermarks([place], timeoutMilliseconds: 10_000).map(\.offset) == [1])
        try reader.assign([Position(topic: topic, partition: 0, offset: 0)])
        // The end of what is readable comes at offset 0: the watermark is not reached while the transaction is open.
        let end: Int64 = try eventually {
            if case .end(_, let offset) = reader.poll(timeoutMilliseconds: 50) { return offset }
            return nil
        }
        #expect(end == 0 && reader.position(of: place) == 0)
        try producer.commit(timeoutMilliseconds: 10_000)
        var texts: [String?] = []
        // The position passes the commit marker at offset 1, although no record has an offset there.
        try eventually {
            if case .record(let record) = reader.poll(timeoutMilliseconds: 50) { texts.append(record.text) }
            return reader.position(of: place) == 2
        }
        #expect(texts == ["open"])
    }

    @Test(arguments: BrokerUnderTest.available)
    func inputOffsetsMoveWithTheRecords(_ broker: BrokerUnderTest) throws {
        let input = try broker.topic()
        let filler = try Producer(broker.settings, clientID: "p")
        for number in 0..<10 { try filler.send(OutgoingRecord(input, 0, "\(number)")) }
        try filler.flush(timeoutMilliseconds: 10_000)
        let output = try broker.topic()
        let group = unique("g")
        let assigner = Assigner()
        let consumer = try GroupConsumer(broker.settings, group: group, instance: "i", listener: assigner)
        try consumer.subscribe([input])
        try consumer.pollUntil("an assignment") { assigner.metadata != nil }
        let metadata = try #require(assigner.metadata)
        let place = TopicPartition(topic: input, partition: 0)
        func committed() throws -> Int64? {
            try consumer.committed([place], timeoutMilliseconds: 10_000).first?.offset
        }
        #expect(try committed() == -1)

        let producer = try TransactionalProducer(broker.settings, transactionalID: unique("x"))
        try producer.initialise(timeoutMilliseconds: 30_000)
        try producer.warmUp(topics: [output], timeoutMilliseconds: 10_000)
        func transact(_ offset: Int64) throws {
            try producer.begin()
            try producer.sendOffsets(
                [Position(topic: input, partition: 0, offset: offset)], group: metadata, timeoutMilliseconds: 10_000)
            try producer.send(OutgoingRecord(output, 0, "\(offset)"))
        }
        try transact(3)
        try producer.commit(timeoutMilliseconds: 10_000)
        #expect(try committed() == 3)
        try transact(7)
        try producer.abort(timeoutMilliseconds: 10_000)
        #expect(try committed() == 3)

        // A member of another generation loses its transaction before it has written anything.
        consumer.close()
        let successor = Assigner()
        let next = try GroupConsumer(broker.settings, group: group, instance: "i", listener: successor)
        try next.subscribe([input])
        try next.pollUntil("the successor's assignment") { successor.metadata != nil }
        try producer.begin()
        #expect {
            try producer.sendOffsets(
                [Position(topic: input, partition: 0, offset: 9)], group: metadata, timeoutMilliseconds: 10_000)
        } throws: {
            ($0 as? KafkaError)?.remedy == .abort && "\($0)".contains("\(input)[0]@9")
        }
        try producer.abort(timeoutMilliseconds: 10_000)
        #expect(producer.fatalError == nil)
        next.close()
    }

    @Test(arguments: BrokerUnderTest.available)
    func aSuccessorOfTheSameIDFencesItsPredecessor(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let id = unique("x")
        let first = try TransactionalProducer(broker.settings, transactionalID: id)
        try first.initialise(timeoutMilliseconds: 30_000)
        try first.warmUp(topics: [topic], timeoutMilliseconds: 10_000)
        try first.begin()
        try first.send(OutgoingRecord(topic, 0, "left open"))
        let reader = try Reader(broker.settings, clientID: "r")
        let place = TopicPartition(topic: topic, partition: 0)
        try eventually { try reader.watermarks(place, timeoutMilliseconds: 10_000).high == 1 }

        let second = try TransactionalProducer(broker.settings, transactionalID: id)
        try second.initialise(timeoutMilliseconds: 30_000)
        #expect { try first.commit(timeoutMilliseconds: 10_000) } throws: {
            ($0 as? KafkaError)?.remedy == .giveUp
        }
        #expect(first.fatalError?.remedy == .giveUp)
        try second.begin()
        try second.send(OutgoingRecord(topic, 0, "new"))
        try second.commit(timeoutMilliseconds: 10_000)
        #expect(try reader.readAll(topic).map(\.text) == ["new"])
    }

    @Test(arguments: BrokerUnderTest.available)
    func anUnknownPartitionAbortsTheTransaction(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let producer = try TransactionalProducer(broker.settings, transactionalID: unique("x"))
        try producer.initialise(timeoutMilliseconds: 30_000)
        try producer.warmUp(topics: [topic], timeoutMilliseconds: 10_000)
        #expect(throws: KafkaError.self) { try producer.send(OutgoingRecord(topic, 0, "outside of a transaction")) }
        try producer.begin()
        #expect { try producer.send(OutgoingRecord(topic, 4, "nowhere")) } throws: {
            ($0 as? KafkaError)?.remedy == .fixConfiguration
        }
        try producer.send(OutgoingRecord(topic, 0, "here"))
        try producer.commit(timeoutMilliseconds: 10_000)
        #expect(try Reader(broker.settings, clientID: "r").readAll(topic).map(\.text) == ["here"])
    }
}
