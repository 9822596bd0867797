// What a producer is told, and what is stored.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct ProduceTests {
    @Test(arguments: BrokerUnderTest.all)
    func everyKindOfAcknowledgementStoresTheRecord(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let client = try broker.client()
        #expect(try client.produce(topic, batch(["a", "b"]), acks: 1) == .init(code: 0, offset: 0))
        #expect(try client.produce(topic, batch(["c"]), acks: -1) == .init(code: 0, offset: 2))
        #expect(try client.produce(topic, batch(["x"]), acks: 7).code == 21)
        try client.sendProduce(topic, 0, batch(["d"]), acks: 0)
        // No answer comes for acks 0; the next answer is the next request's.
        try eventually { try client.listOffset(topic, timestamp: -1).offset == 4 }
        #expect(try client.fetch(topic).values == ["a", "b", "c", "d"])
    }

    @Test(arguments: BrokerUnderTest.all)
    func batchesAreKeptAsTheyCameButForTheirPlace(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let client = try broker.client()
        let sent = batch(["one", "null", "three"], keys: ["k", nil, "m"])
        _ = try client.produce(topic, batch(["before"]))
        _ = try client.produce(topic, sent)
        let fetched = try client.fetch(topic, from: 1)
        let stored = try #require(fetched.batches.first { $0.header.baseOffset == 1 })
        let bytes = Array(fetched.bytes[stored.start..<stored.start + stored.header.totalSize])
        #expect(bytes[16...] == sent[16...])
        #expect(stored.header.isIntact(fetched.bytes, at: stored.start))
    }

    @Test(arguments: BrokerUnderTest.all)
    func damagedAndDishonestBatchesAreRefused(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic(configs: ["max.message.bytes": "2000"])
        let client = try broker.client()
        var damaged = batch(["damaged"])
        damaged[damaged.count - 1] ^= 1
        #expect(try client.produce(topic, damaged).code == 2)
        #expect(try client.produce(topic, batch([String(repeating: "x", count: 3000)])).code == 10)
        #expect(try client.produce(topic, batch(["a"]), partition: 7).code == 3)
        #expect(try client.produce(unique("absent"), batch(["a"])).code == 3)
        #expect(try client.produce(topic, batch(["good"])) == .init(code: 0, offset: 0))
    }

    @Test(arguments: BrokerUnderTest.all)
    func aCompactedTopicWantsKeys(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic(configs: ["cleanup.policy": "compact"])
        let client = try broker.client()
        #expect(try client.produce(topic, batch(["v"])).code == 87)
        #expect(try client.produce(topic, batch(["v"], keys: ["k"])).code == 0)
    }

    @Test(arguments: BrokerUnderTest.all)
    func repeatedBatchesOfAnIdempotentProducerAreStoredOnce(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let client = try broker.client()
        let me = try client.initProducer(nil)
        #expect(me.code == 0 && me.id >= 0 && me.epoch == 0)
        let time = Int64(Date().timeIntervalSince1970 * 1000) - 5000
        func send(_ values: [String], _ sequence: Int32, epoch: Int16? = nil) throws -> RawClient.Produced {
            try client.produce(
                topic,
                batch(values, producerId: me.id, epoch: epoch ?? me.epoch, sequence: sequence, timestamp: time))
        }
        #expect(try send(["a", "b"], 0) == .init(code: 0, offset: 0))
        #expect(try send(["c"], 2) == .init(code: 0, offset: 2))
        #expect(try send(["a", "b"], 0) == .init(code: 0, offset: 0, timestamp: time))
        #expect(try send(["c"], 2) == .init(code: 0, offset: 2, timestamp: time))
        #expect(try send(["gap"], 7).code == 45)
        for number in Int32(3)..<9 { #expect(try send(["n\(number)"], number).code == 0) }
        // Only the last five batches are remembered.
        #expect(try send(["a", "b"], 0).code == 45)
        #expect(try client.fetch(topic).values.count == 9)
    }

    @Test(arguments: BrokerUnderTest.all)
    func sequencesWrapAndEpochsFence(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        let client = try broker.client()
        let me = try client.initProducer(nil)
        func send(_ values: [String], _ sequence: Int32, epoch: Int16) throws -> Int16 {
            try client.produce(topic, batch(values, producerId: me.id, epoch: epoch, sequence: sequence)).code
        }
        // A producer the partition has not met may begin anywhere; here just before the wrap.
        #expect(try send(["a", "b"], .max - 1, epoch: 3) == 0)
        #expect(try send(["c"], 0, epoch: 3) == 0)
        #expect(try send(["d"], 1, epoch: 3) == 0)
        #expect(try send(["older"], 2, epoch: 2) == 47)
        #expect(try send(["newer, but not from zero"], 5, epoch: 4) == 45)
        #expect(try send(["newer"], 0, epoch: 4) == 0)
        #expect(try send(["older"], 2, epoch: 3) == 47)
        #expect(try client.fetch(topic).values == ["a", "b", "c", "d", "newer"])
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/kcat"), "needs kcat to compress"),
        arguments: BrokerUnderTest.all)
    func compressedBatchesPassThrough(_ broker: BrokerUnderTest) throws {
        let topic = try broker.topic()
        for codec in ["gzip", "snappy", "lz4", "zstd"] {
            let lines = (0..<50).map { "\(codec) record number \($0) " + String(repeating: "again and ", count: 20) }
            let sent = try kcat(
                ["-P", "-b", try broker.bootstrap, "-t", topic, "-X", "compression.codec=\(codec)"],
                input: lines.joined(separator: "\n") + "\n")
            #expect(sent.status == 0, "\(sent.output)")
        }
        let codecs = Set(try broker.client().fetch(topic).batches.map(\.header.compression))
        // A batch that would not shrink is sent as it is.
        #expect(codecs.isSuperset(of: [1, 2, 3, 4]))
        let read = try kcat(["-C", "-b", try broker.bootstrap, "-t", topic, "-e", "-q"])
        #expect(read.output.split(separator: "\n").count == 200)
    }
}

/// Runs kcat to its end.
func kcat(_ arguments: [String], input: String = "") throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/kcat")
    process.arguments = arguments
    let stdin = Pipe()
    let stdout = Pipe()
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = stdout
    try process.runLeashed()
    stdin.fileHandleForWriting.write(Data(input.utf8))
    try stdin.fileHandleForWriting.close()
    let output = stdout.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}
