// Members of a group: shares, static restarts, fences, and the bell.
import Kafka
import Platform
import TestSupport
import Testing

@Suite struct GroupTests {
    @Test(arguments: BrokerUnderTest.available)
    func twoTopicsAreSharedAlike(_ broker: BrokerUnderTest) throws {
        let topics = [try broker.topic(partitions: 4), try broker.topic(partitions: 4)]
        let group = unique("g")
        let (one, two) = (Assigner(), Assigner())
        let first = try GroupConsumer(broker.settings, group: group, instance: "w-0", listener: one)
        let second = try GroupConsumer(broker.settings, group: group, instance: "w-1", listener: two)
        try first.subscribe(topics)
        try first.pollUntil("the first takes all") { one.assigned.count == 8 }
        try second.subscribe(topics)
        try first.pollUntil("both have a half") {
            _ = second.poll(timeoutMilliseconds: 20)
            return one.assigned.count == 4 && two.assigned.count == 4
        }
        for topic in topics {
            #expect(Set(one.assigned.filter { $0.topic == topic }.map(\.partition)) == [0, 1])
            #expect(Set(two.assigned.filter { $0.topic == topic }.map(\.partition)) == [2, 3])
        }
        #expect(one.revocations.map(\.lost) == [false])
        second.close()
        first.close()
        #expect(one.assigned.isEmpty && two.assigned.isEmpty)
    }

    @Test(arguments: BrokerUnderTest.available)
    func aStaticMemberComesBackToItsPartitions(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic(partitions: 2)
        let group = unique("g")
        let (one, two, again) = (Assigner(), Assigner(), Assigner())
        func member(_ name: String, _ listener: Assigner) throws -> GroupConsumer {
            let consumer = try GroupConsumer(
                broker.settings, group: group, instance: name, sessionTimeoutMilliseconds: 30_000, listener: listener)
            try consumer.subscribe([topic])
            return consumer
        }
        let first = try member("w-0", one)
        let second = try member("w-1", two)
        try first.pollUntil("each has one") {
            _ = second.poll(timeoutMilliseconds: 20)
            return one.assigned.count == 1 && two.assigned.count == 1
        }
        let rebalances = one.assignments
        let had = two.assigned
        second.close()
        let restarted = try member("w-1", again)
        try restarted.pollUntil("the restarted member has its partition") { again.assigned == had }
        _ = first.poll(timeoutMilliseconds: 100)
        #expect(one.assignments == rebalances, "the other member is left alone")
        restarted.close()
        first.close()
    }

    @Test(arguments: BrokerUnderTest.available)
    func aSecondInstanceOfTheSameNameFencesTheFirst(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let group = unique("g")
        let (one, two) = (Assigner(), Assigner())
        let first = try GroupConsumer(
            broker.settings, group: group, instance: "w", sessionTimeoutMilliseconds: 6_000, listener: one)
        try first.subscribe([topic])
        try first.pollUntil("an assignment") { !one.assigned.isEmpty }
        let second = try GroupConsumer(
            broker.settings, group: group, instance: "w", sessionTimeoutMilliseconds: 6_000, listener: two)
        try second.subscribe([topic])
        let error: KafkaError = try eventually(timeout: 30, "the fence", every: 0) {
            _ = second.poll(timeoutMilliseconds: 20)
            if case .failed(let error) = first.poll(timeoutMilliseconds: 20), error.remedy == .giveUp { return error }
            return nil
        }
        #expect(error.name == "FENCED_INSTANCE_ID" || first.fatalError != nil, "\(error)")
        first.close()
        try second.pollUntil("the second works") { !two.assigned.isEmpty }
        second.close()
    }

    @Test(arguments: BrokerUnderTest.available)
    func onlyWhatTheListenerNamesIsRead(_ broker: BrokerUnderTest) throws {
        final class Picky: RebalanceListener {
            var asked = 0
            func assigned(_ partitions: [TopicPartition], by consumer: GroupConsumer) -> [Position]? {
                asked += 1
                return partitions.filter { $0.partition == 1 }
                    .map { Position(topic: $0.topic, partition: $0.partition, offset: 1) }
            }
            func revoked(_ partitions: [TopicPartition], lost: Bool) {}
        }
        let topic = try broker.topic(partitions: 2)
        let producer = try Producer(broker.settings, clientID: "p")
        for partition in [0, 1] as [Int32] {
            for number in 0..<3 { try producer.send(OutgoingRecord(topic, partition, "\(number)")) }
        }
        try producer.flush(timeoutMilliseconds: 10_000)
        let picky = Picky()
        let consumer = try GroupConsumer(broker.settings, group: unique("g"), instance: nil, listener: picky)
        try consumer.subscribe([topic])
        var read: [Position] = []
        try eventually(timeout: 30, "two records", every: 0) {
            if case .record(let record) = consumer.poll(timeoutMilliseconds: 50) {
                read.append(Position(topic: "", partition: record.partition, offset: record.offset))
            }
            return read.count == 2
        }
        #expect(read == [1, 2].map { Position(topic: "", partition: 1, offset: $0) })
        #expect(picky.asked == 1)
    }

    @Test(arguments: BrokerUnderTest.available)
    func theBellRingsWhenSomethingComes(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let reader = try Reader(broker.settings, clientID: "r")
        let bell = Wake()
        reader.wake(bell.fileDescriptor)
        try reader.assign([Position(topic: topic, partition: 0, offset: 0)])
        try eventually {
            if case .end = reader.poll(timeoutMilliseconds: 50) { return true }
            return false
        }
        while case .record = reader.poll(timeoutMilliseconds: 0) {}
        bell.clear()
        let producer = try Producer(broker.settings, clientID: "p")
        try producer.send(OutgoingRecord(topic, 0, "ding"))
        #expect(bell.wait(milliseconds: 10_000))
        guard case .record(let record) = reader.poll(timeoutMilliseconds: 0) else {
            Issue.record("the bell rang, but nothing was there")
            return
        }
        #expect(record.text == "ding")
    }

    @Test(arguments: BrokerUnderTest.available)
    func aDroppedConsumerEndsCleanly(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let assigner = Assigner()
        do {
            let consumer = try GroupConsumer(broker.settings, group: unique("g"), instance: nil, listener: assigner)
            try consumer.subscribe([topic])
            try consumer.pollUntil("an assignment") { !assigner.assigned.isEmpty }
        }
        // Not closed by hand: the listener is not asked any more, and nothing hangs.
        #expect(assigner.revocations.isEmpty)
    }
}
