// Records go in and come out as they were.
import Foundation
import Kafka
import TestSupport
import Testing

@Suite struct RoundTripTests {
    @Test(arguments: BrokerUnderTest.available)
    func everyShapeOfRecordComesBackAsItWas(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic(partitions: 2, configs: ["max.message.bytes": "8388608"])
        let producer = try Producer(broker.settings, clientID: "p")
        try producer.warmUp(topics: [topic], timeoutMilliseconds: 10_000)
        let headers: Headers = [
            Header("id", "1"), Header("id", "2"), Header("binary", bytes: [0, 255, 0xc3]), Header("empty", ""),
            Header("a rather long name of a header", "hällo"),
        ]
        let big = [UInt8](repeating: 7, count: 3 << 20)
        let shapes: [(key: [UInt8]?, value: [UInt8]?, headers: Headers)] = [
            ([1], [2], headers), (nil, [3], []), ([4], nil, []), (nil, nil, [Header("only", "header")]), ([], [], []),
            ([0, 0], big, []),
        ]
        for shape in shapes {
            try producer.send(
                OutgoingRecord(topic: topic, partition: 1, key: shape.key, value: shape.value, headers: shape.headers))
            // One by one: a refusal by a leader that is new to its office lets later ones overtake.
            try producer.flush(timeoutMilliseconds: 10_000)
        }
        #expect(producer.failedDeliveries == 0 && producer.queueLength == 0)

        let reader = try Reader(broker.settings, clientID: "r")
        let records = try reader.readAll(topic, 1)
        try #require(records.map(\.offset) == [0, 1, 2, 3, 4, 5])
        #expect(records.map(\.key) == shapes.map(\.key))
        #expect(records.map(\.value) == shapes.map(\.value))
        #expect(records.map(\.headers) == shapes.map(\.headers))
        #expect(records[0].header("id") == "2" && records[0].header("absent") == nil)
        #expect(records[0].header("binary") == "\0\u{FFFD}\u{FFFD}")
        #expect(records.allSatisfy { $0.timestampMilliseconds > 1_600_000_000_000 && $0.partition == 1 })
        #expect(try reader.readAll(topic, 0).isEmpty)
        #expect(try reader.readAll(topic, 1, from: 4).map(\.offset) == [4, 5])
        reader.close()
        reader.close()
        guard case .failed(let error) = reader.poll(timeoutMilliseconds: 0) else {
            Issue.record("a closed reader polls")
            return
        }
        #expect(error.remedy == .giveUp)
    }

    @Test(arguments: BrokerUnderTest.available)
    func oneProducerServesSeveralThreads(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let producer = try Producer(broker.settings, clientID: "p")
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for number in 0..<500 {
                do { try producer.send(OutgoingRecord(topic, 0, "\(thread) \(number)")) } catch { Issue.record(error) }
                if number % 50 == 0 { producer.serve(timeoutMilliseconds: 0) }
            }
        }
        try producer.flush(timeoutMilliseconds: 20_000)
        let texts = try Reader(broker.settings, clientID: "r").readAll(topic).compactMap(\.text)
        #expect(texts.count == 2_000)
        for thread in 0..<4 {
            #expect(texts.filter { $0.hasPrefix("\(thread) ") } == (0..<500).map { "\(thread) \($0)" })
        }
    }

    @Test(arguments: BrokerUnderTest.available)
    func placesAreFoundByEndAndByTime(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic(partitions: 3)
        let producer = try Producer(broker.settings, clientID: "p")
        for partition in [0, 0, 2] as [Int32] { try producer.send(OutgoingRecord(topic, partition, "x")) }
        try producer.flush(timeoutMilliseconds: 10_000)
        let reader = try Reader(broker.settings, clientID: "r")
        let places = (0..<3).map { TopicPartition(topic: topic, partition: $0) }
        #expect(try reader.highWatermarks(places, timeoutMilliseconds: 10_000).map(\.offset) == [2, 0, 1])
        #expect(try reader.watermarks(places[0], timeoutMilliseconds: 10_000) == (0, 2))
        let past = try reader.offsets(places, atTimestampMilliseconds: 1_000, timeoutMilliseconds: 10_000)
        #expect(past.map(\.offset) == [0, -1, 0])
        let future = try reader.offsets(
            places, atTimestampMilliseconds: 9_000_000_000_000, timeoutMilliseconds: 10_000)
        #expect(future.map(\.offset) == [-1, -1, -1])
    }

    @Test(arguments: BrokerUnderTest.available)
    func whatDoesNotExistIsAnErrorWithItsName(_ broker: BrokerUnderTest) throws {
        let producer = try Producer(broker.settings, clientID: "p", deliveryTimeoutMilliseconds: 3_000)
        let absent = unique("absent")
        #expect {
            try producer.warmUp(topics: [absent], timeoutMilliseconds: 5_000)
        } throws: {
            ($0 as? KafkaError)?.name == "_UNKNOWN_TOPIC" && "\($0)".contains(absent)
        }
        let topic = try broker.topic()
        try producer.warmUp(topics: [topic], timeoutMilliseconds: 10_000)
        for partition in [-1, 1, 99] as [Int32] {
            let record = OutgoingRecord(
                topic: topic, partition: partition, key: nil, value: [1], headers: [Header("h", "v")])
            #expect { try producer.send(record) } throws: {
                ($0 as? KafkaError)?.remedy == .fixConfiguration && "\($0)".contains("\(topic)[\(partition)]")
            }
        }
        let reader = try Reader(broker.settings, clientID: "r")
        #expect(throws: KafkaError.self) {
            try reader.watermarks(TopicPartition(topic: absent, partition: 0), timeoutMilliseconds: 3_000)
        }
        #expect(throws: KafkaError.self) {
            try reader.assign([Position(topic: topic, partition: 0, offset: -1)])
        }
        // An offset beyond the end is told, never replaced by another one.
        try reader.assign([Position(topic: topic, partition: 0, offset: 5)])
        let error: KafkaError = try eventually(timeout: 15, "the error") {
            if case .failed(let error) = reader.poll(timeoutMilliseconds: 50) { return error }
            return nil
        }
        #expect(error.isOffsetOutOfRange && error.remedy == .giveUp && error.text.contains(topic), "\(error)")
    }

    @Test(arguments: BrokerUnderTest.available)
    func aRecordTooLargeForTheBrokerIsCounted(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic(configs: ["max.message.bytes": "1000"])
        let producer = try Producer(broker.settings, clientID: "p")
        try producer.send(
            OutgoingRecord(topic: topic, partition: 0, key: nil, value: [UInt8](repeating: 1, count: 5_000)))
        try eventually {
            producer.serve(timeoutMilliseconds: 50)
            return producer.failedDeliveries == 1
        }
        #expect(producer.lastDeliveryError?.remedy == .fixConfiguration)
        var settings = try broker.settings
        settings.messageMaxBytes = 100_000
        let small = try Producer(settings, clientID: "p")
        #expect {
            try small.send(
                OutgoingRecord(topic: topic, partition: 0, key: nil, value: [UInt8](repeating: 1, count: 200_000)))
        } throws: { ($0 as? KafkaError)?.remedy == .fixConfiguration }
    }

    @Test(arguments: BrokerUnderTest.available)
    func topicsAreCreatedOnceAndDescribed(_ broker: BrokerUnderTest) throws {
        let settings = try broker.settings
        let name = unique("admin")
        let spec = TopicSpec(name: name, partitions: 3, configs: ["cleanup.policy": "compact"])
        #expect(try Admin.createTopics([spec], settings).map(\.outcome) == [.created])
        let again = try Admin.createTopics([spec, TopicSpec(name: "not a name", partitions: 1)], settings)
        #expect(again[0].outcome == .exists)
        guard case .failed(let error) = again[1].outcome else {
            Issue.record("\(again[1])")
            return
        }
        #expect(error.remedy == .fixConfiguration && error.text.contains("not a name"))
        #expect(try Admin.describeTopics([name, "absent"], settings) == [name: 3])
        #expect(try Admin.configs(of: name, settings)["cleanup.policy"] == "compact")
        #expect(try !Admin.clusterID(settings).isEmpty)
        try Admin.deleteTopics([name], settings)
        #expect(throws: KafkaError.self) { try Admin.deleteTopics(["absent"], settings) }
        try eventually { try Admin.describeTopics([name], settings).isEmpty }
    }
}
