// Versions, metadata and topics.
import TestSupport
import Testing

@testable import Broker

@Suite struct NegotiationTests {
    @Test(arguments: BrokerUnderTest.all)
    func everyVersionOfApiVersionsListsWhatClientsNeed(_ broker: BrokerUnderTest) throws {
        let client = try broker.client()
        for version in Int16(0)...3 {
            var reader = try client.call(ApiKey.apiVersions, version) { writer in
                guard version >= 3 else { return }
                writer.string("raw")
                writer.string("1")
                writer.endStructure()
            }
            #expect(try reader.int16() == 0)
            let ranges = try reader.array { reader throws(MalformedRequest) -> (Int16, ClosedRange<Int16>) in
                let key = try reader.int16()
                let least = try reader.int16()
                let range = least...(try reader.int16())
                try reader.endStructure()
                return (key, range)
            }
            let offered = Dictionary(uniqueKeysWithValues: ranges)
            // What librdkafka 2.0.2 picks (kafka-notes, section 6).
            let needed: [Int16: Int16] = [
                0: 7, 1: 11, 2: 2, 3: 4, 8: 7, 9: 7, 10: 2, 11: 5, 12: 3, 13: 1, 14: 3, 19: 4, 20: 1, 22: 4, 24: 0,
                25: 0, 26: 1, 28: 3, 32: 1,
            ]
            for (key, version) in needed { #expect(offered[key]?.contains(version) == true, "api \(key)") }
        }
    }

    @Test(arguments: BrokerUnderTest.all)
    func aNewerApiVersionsIsAnsweredInTheOldestForm(_ broker: BrokerUnderTest) throws {
        let client = try broker.client()
        try client.send(ApiKey.apiVersions, 99, flexibleFrom: 3) { writer in
            writer.string("raw")
            writer.string("1")
            writer.endStructure()
        }
        var reader = ByteReader(try client.receiveFrame())
        _ = try reader.int32()
        #expect(try reader.int16() == 35)
        let count = try reader.int32()
        #expect(count >= 1)
        #expect(try reader.int16() == ApiKey.apiVersions)
    }

    @Test(arguments: BrokerUnderTest.all)
    func unknownApisAndVersionsEndTheConnectionOnly(_ broker: BrokerUnderTest) throws {
        for (api, version) in [
            (Int16(999), Int16(0)), (-1, 0), (ApiKey.metadata, 99), (ApiKey.produce, 0), (ApiKey.fetch, 3),
        ] {
            let client = try broker.client()
            try client.send(api, version, flexibleFrom: .max)
            #expect(throws: RawClient.Closed.self, "api \(api) version \(version)") { try client.receiveFrame() }
        }
        #expect(try broker.client().metadata([]).brokers == 1)
    }

    @Test(arguments: BrokerUnderTest.all)
    func metadataNamesTheClusterAndCreatesNothing(_ broker: BrokerUnderTest) throws {
        let client = try broker.client()
        let absent = unique("absent")
        let info = try client.metadata([absent, "not a name"])
        #expect(info.brokers == 1 && info.controller >= 0)
        #expect(info.clusterId?.isEmpty == false)
        #expect(info.topics.map(\.code) == [3, 17])
        #expect(try client.metadata([absent]).topics.first?.code == 3)
        let topic = try broker.topic(partitions: 3)
        let all = try client.metadata(nil).topics
        #expect(all.first { $0.name == topic }?.partitions == 3)
        #expect(!all.contains { $0.name == absent })
    }

    @Test(arguments: BrokerUnderTest.all)
    func topicsAreCreatedOnceAndOnlyWhenTheyMakeSense(_ broker: BrokerUnderTest) throws {
        let client = try broker.client()
        let name = unique("made")
        #expect(try client.createTopic(name, partitions: 2, validateOnly: true) == 0)
        #expect(try client.createTopic(name, partitions: 2) == 0)
        #expect(try client.createTopic(name, partitions: 2) == 36)
        #expect(try client.createTopic("not a name") == 17)
        #expect(try client.createTopic("..") == 17)
        #expect(try client.createTopic(String(repeating: "x", count: 250)) == 17)
        #expect(try client.createTopic(unique("p"), partitions: 0) == 37)
        #expect(try client.createTopic(unique("r"), replication: 3) == 38)
        #expect(try client.createTopic(unique("c"), configs: ["no.such.config": "1"]) == 40)
        #expect(try client.createTopic(unique("c"), configs: ["retention.ms": "soon"]) == 40)
        #expect(try client.createTopic(unique("c"), configs: ["cleanup.policy": "shred"]) == 40)
    }

    @Test(arguments: BrokerUnderTest.all)
    func topicsAreDescribedAndDeleted(_ broker: BrokerUnderTest) throws {
        let client = try broker.client()
        let topic = try broker.topic(configs: ["cleanup.policy": "compact", "retention.ms": "12345"])
        let described = try client.topicConfigs(topic)
        #expect(described.code == 0)
        #expect(described.configs["cleanup.policy"] == "compact" && described.configs["retention.ms"] == "12345")
        #expect(described.configs["max.message.bytes"] == "1048588")
        #expect(try client.topicConfigs(unique("absent")).code == 3)
        #expect(try client.deleteTopic(topic) == 0)
        try eventually { try client.metadata([topic]).topics.first?.code == 3 }
        #expect(try client.deleteTopic(topic) == 3)
        try eventually { try client.createTopic(topic) == 0 }
        try eventually { try client.metadata([topic]).topics.first?.code == 0 }
        try eventually { try client.fetch(topic).code == 0 }
        #expect(try client.fetch(topic).highWatermark == 0)
    }
}
