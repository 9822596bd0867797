// Requests no client of good manners sends: what is wrong with them is told in the same words by both brokers.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct OddRequestTests {
    @Test(arguments: BrokerUnderTest.all)
    func aClientWithoutANameLearnsNothing(_ broker: BrokerUnderTest) throws {
        for (name, version) in [("", ""), ("two words", "1"), ("x", "-1"), ("kcat", "1.7.1")] {
            var reader = try broker.client().call(ApiKey.apiVersions, 3) { writer in
                writer.string(name)
                writer.string(version)
                writer.endStructure()
            }
            #expect(try reader.int16() == (name == "kcat" ? 0 : 42), "\(name) \(version)")
        }
    }

    @Test(arguments: BrokerUnderTest.all)
    func topicsThatDifferByADotAndAnUnderscoreAreOne(_ broker: BrokerUnderTest) throws {
        let (client, name) = (try broker.client(), unique("a.b"))
        #expect(try client.createTopic(name) == 0)
        try eventually { try client.metadata([name]).topics.first?.code == 0 }
        #expect(try client.createTopic(name.replacing("a.b", with: "a_b")) == 17)
        #expect(try client.createTopic(name.replacing("a.b", with: "a-b")) == 0)
    }

    @Test(arguments: BrokerUnderTest.all)
    func configurationsThatMakeNoSenseAreRefused(_ broker: BrokerUnderTest) throws {
        let client = try broker.client()
        for (name, value) in [
            ("segment.bytes", "99999999999"), ("compression.type", "rar"), ("min.insync.replicas", "0"),
            ("min.compaction.lag.ms", "-1"), ("max.compaction.lag.ms", "0"), ("flush.messages", "0"),
            ("index.interval.bytes", "-1"), ("preallocate", "maybe"), ("segment.index.bytes", "1"),
        ] {
            #expect(try client.createTopic(unique("c"), configs: [name: value]) == 40, "\(name)=\(value)")
        }
        #expect(try client.createTopic(unique("c"), configs: ["compression.type": "zstd"]) == 0)
    }

    @Test(arguments: BrokerUnderTest.all)
    func topicsAreDeletedByNameOrByIdAndOnce(_ broker: BrokerUnderTest) throws {
        let (client, topic) = (try broker.client(), try broker.topic())
        func delete(_ wanted: [(name: String?, id: UUIDBytes)]) throws -> [Int16] {
            var reader = try client.call(ApiKey.deleteTopics, 6) { writer in
                writer.array(wanted) { writer, one in
                    writer.nullableString(one.name)
                    writer.uuid(one.id)
                    writer.endStructure()
                }
                writer.int32(10_000)
                writer.endStructure()
            }
            _ = try reader.int32()
            return try reader.array { reader throws(MalformedRequest) -> Int16 in
                _ = try reader.nullableString()
                _ = try reader.uuid()
                let code = try reader.int16()
                _ = try reader.nullableString()
                try reader.endStructure()
                return code
            }
        }
        #expect(try delete([(topic, UUIDBytes.random())]) == [42])
        #expect(try delete([(nil, .zero)]) == [42])
        #expect(try delete([(topic, .zero), (topic, .zero)]) == [42])
        #expect(try delete([(nil, UUIDBytes.random())]) == [100])
        #expect(try client.metadata([topic]).topics.first?.code == 0)
        #expect(try delete([(topic, .zero)]) == [0])
    }

    /// A batch of one record, with its checksum made right again after a change.
    private func changed(_ batch: [UInt8], at index: Int, _ value: UInt8) -> [UInt8] {
        var bytes = batch
        bytes[index] = value
        let crc = Crc32c.of(bytes, 21..<bytes.count)
        for byte in 0..<4 { bytes[17 + byte] = UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * byte)) }
        return bytes
    }

    @Test(arguments: BrokerUnderTest.all)
    func batchesThatWouldHurtTheirReadersAreRefused(_ broker: BrokerUnderTest) throws {
        let (client, topic) = (try broker.client(), try broker.topic())
        let good = batch(["v"])
        #expect(try client.produce(topic, changed(good, at: good.count - 1, 2)).code == 87, "one header, none there")
        #expect(try client.produce(topic, changed(good, at: good.count - 1, 1)).code == 87, "minus one header")
        #expect(try client.produce(topic, changed(good, at: 7, 5)).code == 87, "offsets begin at 5")
        #expect(try client.produce(topic, changed(good, at: 16, 3)).code == 2, "record format 3")
        #expect(try client.produce(topic, changed(good, at: 22, 5)).code == -1, "a codec nobody knows")
        #expect(try client.produce(topic, Array(good.dropLast())).code == 87, "cut off")
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        #expect(try client.produce(topic, batch(["v"], timestamp: now + 7_200_000)).code == 32)
        #expect(try client.produce(topic, batch(["v"], timestamp: now + 1_800_000)).code == 0)
        #expect(try client.produce(topic, good) == .init(code: 0, offset: 1))
    }

    @Test(arguments: BrokerUnderTest.all)
    func leaderEpochsAndTimesThatNeverWere(_ broker: BrokerUnderTest) throws {
        let (client, topic) = (try broker.client(), try broker.topic())
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        for time in [now, now + 5, now + 5, now + 1] {
            _ = try client.produce(topic, batch(["a", "b"], timestamp: time))
        }
        func list(_ version: Int16, epoch: Int32 = -1, _ timestamp: Int64) throws -> [Int64] {
            var reader = try client.call(ApiKey.listOffsets, version) { writer in
                writer.int32(-1)
                writer.int8(0)
                writer.array([topic]) { writer, topic in
                    writer.string(topic)
                    writer.array([timestamp]) { writer, timestamp in
                        writer.int32(0)
                        writer.int32(epoch)
                        writer.int64(timestamp)
                        writer.endStructure()
                    }
                    writer.endStructure()
                }
                writer.endStructure()
            }
            _ = try reader.int32()
            return try reader.array { reader throws(MalformedRequest) -> [Int64] in
                _ = try reader.string()
                let answer = try reader.array { reader throws(MalformedRequest) -> [Int64] in
                    _ = try reader.int32()
                    let code = try reader.int16()
                    _ = try reader.int64()
                    let offset = try reader.int64()
                    _ = try reader.int32()
                    try reader.endStructure()
                    return [Int64(code), offset]
                }
                try reader.endStructure()
                return answer.first ?? []
            }.first ?? []
        }
        #expect(try list(4, epoch: 0, -1) == [0, 8])
        #expect(try list(4, epoch: 4, -1) == [75, -1])
        #expect(try list(7, -3) == [0, 2], "the first of the latest")
        #expect(try list(4, -3) == [35, -1])
        #expect(try list(7, -99) == [35, -1])
    }

    @Test(arguments: BrokerUnderTest.all)
    func membersThatContradictThemselves(_ broker: BrokerUnderTest) throws {
        let (client, group, topic) = (try broker.client(), unique("g"), try broker.topic())
        let joined = try client.joinWithId(group)
        func sync(_ type: String?, _ name: String?) throws -> Int16 {
            var reader = try client.call(ApiKey.syncGroup, 5) { writer in
                writer.string(group)
                writer.int32(joined.generation)
                writer.string(joined.memberId)
                writer.nullableString(nil)
                writer.nullableString(type)
                writer.nullableString(name)
                writer.count(0)
                writer.endStructure()
            }
            _ = try reader.int32()
            return try reader.int16()
        }
        #expect(try sync(nil, nil) == 23)
        #expect(try sync("consumer", "roundrobin") == 23)
        #expect(try sync("consumer", "range") == 0)
        // Whom nobody else can follow does not change its ways, not even alone.
        #expect(try client.join(group, memberId: joined.memberId, protocols: ["sticky"]).code == 23)
        #expect(try client.heartbeat(group, joined) == 0)
        var nobody = joined
        nobody.memberId = "nobody"
        #expect(try client.heartbeat("", nobody) == 24)
        #expect(try client.sync("", nobody).code == 24)
        #expect(try client.leave("", "nobody") == 24)
        let member = RawClient.GroupMember(group: group, generation: joined.generation, id: joined.memberId)
        let long = String(repeating: "m", count: 4097)
        #expect(try client.commit(member, topic, offset: 3, metadata: long) == 12)
        #expect(try client.commit(member, topic, offset: 3, metadata: String(long.dropLast())) == 0)
    }
}
