// Clients that mean harm, or are broken: their connection dies, the broker does not.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct HostileTests {
    @Test(arguments: BrokerUnderTest.all)
    func nonsenseEndsOnlyItsConnection(_ broker: BrokerUnderTest) throws {
        let nonsense: [[UInt8]] = [
            Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), [0x7f, 0xff, 0xff, 0xff, 0, 0],
            [0xff, 0xff, 0xff, 0xff, 0],
            [0, 0, 0, 0, 1, 2, 3], [0, 0, 0, 2, 0, 18], [0, 0, 0, 8, 0, 3, 0, 1, 0, 0, 0, 1],
        ]
        for bytes in nonsense {
            let client = try RawClient(bootstrap: try broker.bootstrap, receiveSeconds: 20)
            try client.send(raw: bytes)
            #expect(throws: RawClient.Closed.self, "\(bytes)") { try client.receiveFrame() }
        }
        #expect(try broker.client().metadata([]).brokers == 1)
    }

    @Test(arguments: BrokerUnderTest.all)
    func lengthsThatLieAreNotBelieved(_ broker: BrokerUnderTest) throws {
        // A string, an array and record bytes longer than their request.
        let lies: [(api: Int16, version: Int16, body: [UInt8])] = [
            (ApiKey.metadata, 5, [0x7f, 0xff, 0xff, 0xff]), (ApiKey.metadata, 5, [0, 0, 0, 1, 0x7f, 0xff]),
            (ApiKey.produce, 7, [0xff, 0xff, 0, 1, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xf0]),
            (ApiKey.offsetFetch, 7, [0xff, 0xff, 0xff, 0xff, 0xff]), (ApiKey.joinGroup, 5, [0x80, 0]),
        ]
        for lie in lies {
            let client = try broker.client()
            try client.send(lie.api, lie.version) { $0.raw(lie.body) }
            #expect(throws: RawClient.Closed.self, "\(lie)") { try client.receiveFrame() }
        }
        #expect(try broker.client().metadata([]).brokers == 1)
    }

    @Test(arguments: BrokerUnderTest.all)
    func aStringLongerThanTheProtocolAllowsEndsItsConnection(_ broker: BrokerUnderTest) throws {
        let client = try broker.client()
        #expect(throws: RawClient.Closed.self) { try client.initProducer(String(repeating: "x", count: 40_000)) }
        #expect(try broker.client().metadata([]).brokers == 1)
    }

    @Test func fiveHundredConnectionsAreServed() throws {
        let broker = try BrokerUnderKill()
        #expect(try broker.client().createTopic("many") == 0)
        let clients = try (0..<500).map { _ in try broker.client() }
        for (number, client) in clients.enumerated() {
            #expect(try client.produce("many", batch(["\(number)"])).offset == Int64(number))
        }
        for client in clients { try client.sendFetch([("many", 0, 500)], wait: 20_000) }
        #expect(try broker.client().produce("many", batch(["to all"])).code == 0)
        for client in clients { #expect(try client.receiveFetch().first?.values == ["to all"]) }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit"), "needs prlimit"))
    func aBrokerOutOfDescriptorsRecovers() throws {
        let broker = try BrokerUnderKill()
        let early = try broker.client()
        let limit = try Process.run(
            URL(fileURLWithPath: "/usr/bin/prlimit"), arguments: ["--pid", "\(broker.processId)", "--nofile=30:"])
        limit.waitUntilExit()
        var crowd = try (0..<40).map { _ in try broker.client() }
        #expect(try early.metadata([]).brokers == 1)
        crowd = []
        #expect(crowd.isEmpty)
        try eventually { (try? RawClient(bootstrap: broker.bootstrap, receiveSeconds: 2).metadata([])) != nil }
    }

    @Test func slowAndHalfOpenConnectionsHoldUpNobodyAndEnd() throws {
        let broker = try BrokerUnderKill(environment: ["BROKER_STALLED_CONNECTION_MS": "300", "BROKER_UPKEEP_MS": "50"])
        #expect(try broker.client().createTopic("t") == 0)
        let half = try broker.client()
        try half.send(raw: [0, 0, 1, 0, 0, 3])
        // One who asks for much and never reads it.
        #expect(try broker.client().produce("t", batch([String(repeating: "x", count: 900_000)])).code == 0)
        let deaf = try broker.client()
        for _ in 0..<40 { try deaf.sendFetch([("t", 0, 0)], wait: 0) }
        for number in 0..<20 { #expect(try broker.client().produce("t", batch(["\(number)"])).code == 0) }
        #expect(throws: RawClient.Closed.self) { try half.receiveFrame() }
        try eventually(timeout: 20, "the end of the one who does not read") {
            do { try deaf.send(raw: [0]) } catch { return true }
            return false
        }
        #expect(try broker.client().metadata([]).brokers == 1)
    }

    @Test func requestsInOneWriteAreAnsweredInOrder() throws {
        let broker = BrokerUnderTest.embedded
        let topic = try broker.topic()
        let client = try broker.client()
        // A long poll first: what comes after it waits its turn.
        try client.sendFetch([(topic, 0, 0)], wait: 200)
        for _ in 0..<50 { try client.send(ApiKey.listOffsets, 2) { $0.raw([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0]) } }
        for number in 0..<51 {
            var reader = ByteReader(try client.receiveFrame())
            #expect(try reader.int32() == Int32(number + 1))
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func manyNamesInOneRequestHoldUpNobody() throws {
        let client = try BrokerUnderTest.embedded.client()
        let names = (0..<30_000).map { "absent-\($0)" }
        var reader = try client.call(ApiKey.deleteTopics, 1) { writer in
            writer.array(names) { $0.string($1) }
            writer.int32(10_000)
        }
        _ = try reader.int32()
        let codes = try reader.array { reader throws(MalformedRequest) -> Int16 in
            _ = try reader.string()
            return try reader.int16()
        }
        #expect(codes.count == names.count && codes.allSatisfy { $0 == 3 })
    }
}
