// What was acknowledged survives a kill of the embedded broker. Apache Kafka is not killed here: it is shared.
import Foundation
import Kafka
import TestSupport
import Testing

@testable import Broker

@Suite struct DurabilityTests {
    @Test func everythingAcknowledgedIsThereAfterAKill() throws {
        let broker = try BrokerUnderKill()
        var client = try broker.client()
        let group = unique("g")
        #expect(try client.createTopic("kept", partitions: 2, configs: ["retention.ms": "777777777"]) == 0)
        let cluster = try client.metadata([]).clusterId
        let me = try client.initProducer(nil)
        for number in Int32(0)..<500 {
            let sent = batch(["\(number)"], producerId: me.id, epoch: 0, sequence: number)
            #expect(try client.produce("kept", sent).offset == Int64(number))
        }
        let joined = try client.join(group, instance: "static")
        #expect(try client.sync(group, joined, instance: "static", assignments: [joined.memberId: "plan"]).code == 0)
        let member = RawClient.GroupMember(
            group: group, generation: joined.generation, id: joined.memberId, instance: "static")
        #expect(try client.commit(member, "kept", offset: 123) == 0)
        let open = try client.initProducer("open")
        #expect(try client.addPartitions("open", open, "kept", [1]) == [0])
        let pending = batch(["pending"], producerId: open.id, epoch: open.epoch, sequence: 0, transactional: true)
        #expect(try client.produce("kept", pending, partition: 1, transactionalId: "open").code == 0)
        #expect(try client.addOffsets("open", open, group: group) == 0)
        #expect(try client.commitInTransaction("open", open, member, "kept", offset: 200) == 0)

        broker.kill()
        try broker.start()
        client = try broker.client()
        #expect(try client.metadata([]).clusterId == cluster)
        #expect(try client.topicConfigs("kept").configs["retention.ms"] == "777777777")
        #expect(try client.metadata(["kept"]).topics.first?.partitions == 2)
        #expect(try client.fetch("kept").values == (0..<500).map(String.init))
        // The group goes on as if nothing had happened, the offset in the open transaction is still unstable.
        #expect(try client.heartbeat(group, joined, instance: "static") == 0)
        #expect(try client.committed(group, "kept", stable: false) == (0, 123))
        #expect(try client.committed(group, "kept", stable: true) == (88, -1))
        // Deduplication goes on, too.
        let repeated = try client.produce("kept", batch(["499"], producerId: me.id, epoch: 0, sequence: 499))
        #expect(repeated.code == 0 && repeated.offset == 499 && repeated.timestamp > 0)
        #expect(try client.produce("kept", batch(["x"], producerId: me.id, epoch: 0, sequence: 600)).code == 45)
        #expect(try client.initProducer(nil).id > open.id)
        // The transaction that was open can still be committed.
        #expect(try client.fetch("kept", 1, readCommitted: true).values == [])
        #expect(try client.endTransaction("open", open, commit: true) == 0)
        #expect(try client.fetch("kept", 1, readCommitted: true).values == ["pending"])
        #expect(try client.committed(group, "kept") == (0, 200))
    }

    @Test func aCleanStopKeepsEverythingToo() throws {
        let broker = try BrokerUnderKill()
        #expect(try broker.client().createTopic("t") == 0)
        #expect(try broker.client().produce("t", batch(["a", "b"])).code == 0)
        #expect(broker.stop() == 0)
        #expect(broker.files("t", suffix: ".state").count == 1)
        try broker.start()
        #expect(try broker.client().fetch("t").values == ["a", "b"])
    }

    @Test func aTornTailIsCutAtTheLastWholeBatch() throws {
        let broker = try BrokerUnderKill()
        let client = try broker.client()
        #expect(try client.createTopic("torn") == 0)
        for number in 0..<10 { _ = try client.produce("torn", batch(["\(number)"])) }
        broker.kill()
        let file = try #require(broker.files("torn", suffix: ".log").first)
        let whole = try Data(contentsOf: URL(fileURLWithPath: file))
        for damage in 0..<3 {
            switch damage {
            case 0: try whole.dropLast(3).write(to: URL(fileURLWithPath: file))
            case 1: try (whole + Data(repeating: 0xab, count: 1000)).write(to: URL(fileURLWithPath: file))
            default:
                var flipped = whole
                flipped[whole.count - 1] ^= 1
                try flipped.write(to: URL(fileURLWithPath: file))
            }
            try broker.start()
            let expected = (0..<(damage == 1 ? 10 : 9)).map(String.init)
            #expect(try broker.client().fetch("torn").values == expected)
            #expect(try broker.client().produce("torn", batch(["more"])).offset == Int64(expected.count))
            broker.kill()
        }
    }

    /// The broker hands on what is on its disk; who reads finds out that it is not what was written.
    @Test func aBatchThatHasRottedIsAnErrorAndNoRecord() throws {
        let broker = try BrokerUnderKill()
        let client = try broker.client()
        #expect(try client.createTopic("rotten") == 0)
        for text in ["before", "whole", "after"] { _ = try client.produce("rotten", batch([text])) }
        let file = URL(fileURLWithPath: try #require(broker.files("rotten", suffix: ".log").first))
        let content = try Data(contentsOf: file)
        let place = try #require(content.firstRange(of: Data("whole".utf8)))
        let handle = try FileHandle(forWritingTo: file)
        try handle.seek(toOffset: UInt64(place.lowerBound))
        try handle.write(contentsOf: Data("W".utf8))
        try handle.close()

        let reader = try Reader(KafkaSettings(bootstrap: broker.bootstrap), clientID: "r")
        try reader.assign([Position(topic: "rotten", partition: 0, offset: 0)])
        var read: [String] = []
        let error = try eventually(timeout: 20, "the reader is told", every: 0) { () -> KafkaError? in
            switch reader.poll(timeoutMilliseconds: 100) {
            case .record(let record):
                read.append(String(decoding: record.value ?? [], as: UTF8.self))
                return nil
            case .failed(let error): return error
            case .idle, .end: return nil
            }
        }
        #expect(error.name == "_BAD_MSG" && error.remedy == .giveUp, "\(error)")
        #expect(!read.contains("Whole"))
    }

    @Test func aDamagedJournalTailAndStrayFilesDoNotStopAStart() throws {
        let broker = try BrokerUnderKill()
        #expect(try broker.client().createTopic("here") == 0)
        #expect(try broker.client().produce("here", batch(["x"])).code == 0)
        broker.kill()
        let journal = try FileHandle(forWritingTo: URL(fileURLWithPath: broker.directory + "/journal"))
        try journal.seekToEnd()
        try journal.write(contentsOf: Data([0, 0, 0, 40, 1, 2, 3]))
        try journal.close()
        let stray = broker.directory + "/logs/gone-0"
        try FileManager.default.createDirectory(atPath: stray, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(fileURLWithPath: stray + "/00000000000000000000.log"))
        try Data("junk".utf8).write(
            to: URL(fileURLWithPath: broker.directory + "/logs/here-0/00000000000000000000.state"))
        try broker.start()
        #expect(try broker.client().fetch("here").values == ["x"])
        #expect(try broker.client().metadata(nil).topics.map(\.name) == ["here"])
        #expect(!FileManager.default.fileExists(atPath: stray))
        #expect(try broker.client().createTopic("gone") == 0)
        #expect(try broker.client().fetch("gone").highWatermark == 0)
    }

    /// A limit on file sizes stands for the full disk: write(2) fails in the middle just the same, and it can be lifted.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit"), "needs prlimit"))
    func aFullDiskIsAnErrorAndDamagesNothing() throws {
        let broker = try BrokerUnderKill()
        let client = try broker.client()
        #expect(try client.createTopic("full") == 0)
        #expect(try client.produce("full", batch(["before"])).code == 0)
        let me = try client.initProducer("tx")
        #expect(try client.addPartitions("tx", me, "full", [0]) == [0])
        let pending = batch(["in it"], producerId: me.id, epoch: me.epoch, sequence: 0, transactional: true)
        #expect(try client.produce("full", pending, transactionalId: "tx").code == 0)
        let size = try #require(
            try FileManager.default.attributesOfItem(atPath: broker.files("full", suffix: ".log")[0])[.size] as? Int)
        try limitFiles(of: broker.processId, to: String(size + 50))
        for _ in 0..<3 { #expect(try client.produce("full", batch([String(repeating: "x", count: 5000)])).code == 56) }
        #expect(try client.fetch("full").values == ["before", "in it"])
        // Decided, but its marker has no room: it follows when there is.
        try limitFiles(of: broker.processId, to: String(size))
        if try client.endTransactionOnce("tx", me, commit: true) == 0 {
            #expect(try client.fetch("full", readCommitted: true).values == ["before"])
        }
        try limitFiles(of: broker.processId, to: "unlimited")
        #expect(try client.endTransaction("tx", me, commit: true) == 0)
        try eventually { try client.fetch("full", readCommitted: true).values == ["before", "in it"] }
        #expect(try client.produce("full", batch(["after"])).offset == 3)
        broker.kill()
        try broker.start()
        #expect(try broker.client().fetch("full", readCommitted: true).values == ["before", "in it", "after"])
    }

    private func limitFiles(of process: Int32, to soft: String) throws {
        let limit = try Process.run(
            URL(fileURLWithPath: "/usr/bin/prlimit"), arguments: ["--pid", "\(process)", "--fsize=\(soft):unlimited"])
        limit.waitUntilExit()
        guard limit.terminationStatus == 0 else { throw Failed("prlimit \(soft)") }
    }

    @Test func aSecondBrokerOnTheSameDirectoryIsRefused() throws {
        let broker = try BrokerUnderKill()
        #expect(throws: BrokerStartError.self) { try EmbeddedBroker(directory: broker.directory) }
    }

    @Test func clientsGoOnAfterARestartWithoutBeingRestarted() throws {
        let broker = try BrokerUnderKill()
        #expect(try broker.client().createTopic("stream") == 0)
        let settings = KafkaSettings(bootstrap: broker.bootstrap)
        let producer = try Producer(settings, clientID: "p")
        try producer.warmUp(topics: ["stream"], timeoutMilliseconds: 10_000)
        let reader = try Reader(settings, clientID: "r")
        try reader.assign([Position(topic: "stream", partition: 0, offset: 0)])
        var seen: [String] = []
        func exchange(_ range: Range<Int>) throws {
            for number in range {
                try producer.send(
                    OutgoingRecord(topic: "stream", partition: 0, key: nil, value: Array("\(number)".utf8)))
            }
            try eventually(timeout: 30, "the records", every: 0) {
                producer.serve(timeoutMilliseconds: 0)
                if case .record(let record) = reader.poll(timeoutMilliseconds: 20) {
                    seen.append(String(decoding: record.value ?? [], as: UTF8.self))
                }
                return seen.count >= range.upperBound
            }
        }
        try exchange(0..<100)
        for round in 1...3 {
            broker.kill()
            try broker.start()
            try exchange(round * 100..<round * 100 + 100)
        }
        #expect(seen == (0..<400).map(String.init))
        #expect(producer.failedDeliveries == 0)
    }
}
