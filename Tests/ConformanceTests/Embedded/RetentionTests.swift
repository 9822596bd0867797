// A machine that is left on does not fill its disk. Only the embedded broker: Apache Kafka looks every five minutes.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct RetentionTests {
    private func withBroker(
        offsetsRetention: Int64? = nil, _ body: (EmbeddedBroker, RawClient, String) throws -> Void
    ) throws {
        try withTemporaryDirectory { directory in
            var settings = BrokerSettings()
            settings.upkeepMilliseconds = 20
            if let offsetsRetention { settings.offsetsRetentionMilliseconds = offsetsRetention }
            let broker = try EmbeddedBroker(directory: directory, settings: settings)
            defer { broker.stop() }
            try body(broker, try RawClient(bootstrap: broker.bootstrap), directory)
        }
    }

    private func wall() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    private func segments(_ directory: String, _ topic: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/logs/\(topic)-0")) ?? []
        return names.filter { $0.hasSuffix(".log") }.sorted()
    }

    @Test func oldRecordsGo() throws {
        try withBroker { broker, client, directory in
            let configs = ["retention.ms": "3600000", "segment.bytes": "2000"]
            #expect(try client.createTopic("aged", configs: configs) == 0)
            let old = wall() - 7_200_000
            for number in 0..<50 {
                _ = try client.produce(
                    "aged", batch(["old \(number) " + String(repeating: "x", count: 100)], timestamp: old))
            }
            try eventually { try client.listOffset("aged", timestamp: -2).offset == 50 }
            #expect(try client.fetch("aged", from: 10).code == 1)
            #expect(try client.produce("aged", batch(["new"])).offset == 50)
            #expect(try client.fetch("aged", from: 50).values == ["new"])
            try eventually { segments(directory, "aged").count == 1 }
        }
    }

    @Test func recordsWithoutATimeCountFromWhenTheyCame() throws {
        try withBroker { broker, client, directory in
            for topic in ["timeless", "old"] {
                #expect(try client.createTopic(topic, configs: ["retention.ms": "3600000"]) == 0)
            }
            #expect(try client.produce("timeless", batch(["x"], timestamp: -1)).code == 0)
            // Twice, so that at least one round has looked at both.
            for round in Int64(1)...2 {
                #expect(try client.produce("old", batch(["x"], timestamp: 1)).code == 0)
                try eventually { try client.listOffset("old", timestamp: -2).offset == round }
            }
            #expect(try client.fetch("timeless").values == ["x"])
        }
    }

    @Test func whatCompactionHasEmptiedHoldsUpNothing() throws {
        try withBroker { broker, client, directory in
            let configs = ["cleanup.policy": "compact,delete", "retention.ms": "3600000", "segment.bytes": "500"]
            #expect(try client.createTopic("both", configs: configs) == 0)
            // The first segment loses its only record, and the second is too large to be merged with it.
            let values = ["first", String(repeating: "l", count: 600), "new"]
            for (value, age) in zip(values, [Int64(0), 7_200_000, 0]) {
                #expect(try client.produce("both", batch([value], keys: ["k"], timestamp: wall() - age)).code == 0)
            }
            try eventually { try client.listOffset("both", timestamp: -2).offset == 2 }
            #expect(try client.fetch("both", from: 2).values == ["new"])
        }
    }

    @Test func aGroupWithoutMembersLivesByItsCommits() throws {
        try withBroker(offsetsRetention: 1500) { broker, client, directory in
            #expect(try client.createTopic("t") == 0)
            let end = ContinuousClock.now + .milliseconds(2500)
            while ContinuousClock.now < end {
                #expect(try client.commit(.init(group: "alone"), "t", offset: 5) == 0)
                #expect(try client.committed("alone", "t") == (0, 5))
            }
            try eventually { try client.committed("alone", "t") == (0, -1) }
        }
    }

    @Test func whatIsTooMuchGoes() throws {
        try withBroker { broker, client, directory in
            let configs = ["retention.bytes": "10000", "segment.bytes": "2000"]
            #expect(try client.createTopic("sized", configs: configs) == 0)
            for number in 0..<200 {
                _ = try client.produce("sized", batch(["\(number) " + String(repeating: "x", count: 100)]))
            }
            try eventually { (4...7).contains(segments(directory, "sized").count) }
            let start = try client.listOffset("sized", timestamp: -2).offset
            #expect(start > 100)
            #expect(try client.fetch("sized", from: start).code == 0)
            #expect(try client.fetch("sized", from: 199).values.last?.hasPrefix("199 ") == true)
        }
    }

    @Test func whatGrewOldWhileTheBrokerWasDownGoesAtItsStart() throws {
        try withTemporaryDirectory { directory in
            var settings = BrokerSettings()
            settings.upkeepMilliseconds = 3_600_000
            var broker = try EmbeddedBroker(directory: directory, settings: settings)
            var client = try RawClient(bootstrap: broker.bootstrap)
            let configs = ["retention.ms": "3600000", "segment.bytes": "2000"]
            #expect(try client.createTopic("aged", configs: configs) == 0)
            for _ in 0..<50 {
                let old = batch([String(repeating: "x", count: 100)], timestamp: wall() - 7_200_000)
                #expect(try client.produce("aged", old).code == 0)
            }
            #expect(try client.listOffset("aged", timestamp: -2).offset == 0)
            broker.stop()
            broker = try EmbeddedBroker(directory: directory, settings: settings)
            defer { broker.stop() }
            client = try RawClient(bootstrap: broker.bootstrap)
            try eventually { try client.listOffset("aged", timestamp: -2).offset == 50 }
        }
    }

    @Test func openTransactionsAreNotCutInTwo() throws {
        try withBroker { broker, client, directory in
            #expect(try client.createTopic("held", configs: ["retention.ms": "1", "segment.bytes": "1000"]) == 0)
            let me = try client.initProducer("tx")
            #expect(try client.addPartitions("tx", me, "held", [0]) == [0])
            let text = String(repeating: "x", count: 300)
            for number in Int32(0)..<10 {
                let sent = batch(
                    [text], producerId: me.id, epoch: me.epoch, sequence: number, transactional: true, timestamp: 1)
                #expect(try client.produce("held", sent, transactionalId: "tx").code == 0)
            }
            // A neighbour without a transaction loses its segments twice, so upkeep has come by in between.
            #expect(try client.createTopic("free", configs: ["retention.ms": "1", "segment.bytes": "1000"]) == 0)
            for round in Int64(1)...2 {
                for _ in 0..<10 { #expect(try client.produce("free", batch([text], timestamp: 1)).code == 0) }
                try eventually { try client.listOffset("free", timestamp: -2).offset >= round * 10 }
            }
            #expect(try client.listOffset("held", timestamp: -2).offset == 0)
            #expect(try client.endTransaction("tx", me, commit: true) == 0)
            try eventually { try client.listOffset("held", timestamp: -2).offset >= 10 }
        }
    }

    @Test func compactionKeepsTheLastRecordOfEveryKey() throws {
        try withBroker { broker, client, directory in
            let configs = ["cleanup.policy": "compact", "segment.bytes": "20000", "delete.retention.ms": "3600000"]
            #expect(try client.createTopic("state", configs: configs) == 0)
            var expected: [String: String] = [:]
            for round in 0..<40 {
                for key in 0..<30 where key % 7 != round % 7 {
                    let gone = round % 5 == 4 && key % 10 == 0
                    // Tombstones of long ago may go, the others must stay to be seen.
                    let text = gone ? "null" : "\(round)/\(key) " + String(repeating: "v", count: 60)
                    let time = gone && key != 20 ? wall() - 7_200_000 : wall()
                    let sent = try client.produce("state", batch([text], keys: ["k\(key)"], timestamp: time))
                    #expect(sent.code == 0)
                    expected["k\(key)"] = text
                }
            }
            let end = try client.listOffset("state", timestamp: -1).offset
            try eventually(timeout: 20, "compaction") { segments(directory, "state").count <= 3 }
            let records = try client.records("state")
            var state: [String: String] = [:]
            for (key, value) in records { state[key] = value }
            #expect(state.filter { $0.value != "null" } == expected.filter { $0.value != "null" })
            #expect(records.count < 400)
            #expect(try client.listOffset("state", timestamp: -2).offset == 0)
            // Every offset, also one that is gone, can be asked for.
            for offset in stride(from: Int64(0), to: end, by: 17) {
                let fetched = try client.fetch("state", from: offset)
                #expect(fetched.code == 0 && fetched.batches.first.map { $0.header.lastOffset >= offset } ?? false)
            }
        }
    }

    @Test func compactionDropsAbortedRecordsAndOldTombstonesAndSurvivesARestart() throws {
        try withTemporaryDirectory { directory in
            var settings = BrokerSettings()
            settings.upkeepMilliseconds = 20
            var broker = try EmbeddedBroker(directory: directory, settings: settings)
            var client = try RawClient(bootstrap: broker.bootstrap)
            let configs = ["cleanup.policy": "compact", "segment.bytes": "5000", "delete.retention.ms": "1000"]
            #expect(try client.createTopic("tx", configs: configs) == 0)
            var me = try client.initProducer("id")
            var sequence: Int32 = 0
            for round in 0..<60 {
                #expect(try client.addPartitions("id", me, "tx", [0]) == [0])
                for key in 0..<4 {
                    let deleted = key == 3
                    let sent = batch(
                        [deleted ? "null" : "\(round) " + String(repeating: "z", count: 40)], keys: ["k\(key)"],
                        producerId: me.id, epoch: me.epoch, sequence: sequence, transactional: true,
                        timestamp: deleted ? wall() - 100_000 : wall())
                    #expect(try client.produce("tx", sent, transactionalId: "id").code == 0)
                    sequence += 1
                }
                // Every third round is aborted: the round before it holds.
                #expect(try client.endTransaction("id", me, commit: round % 3 != 2) == 0)
            }
            try eventually(timeout: 20, "compaction") { segments(directory, "tx").count <= 3 }
            let expected = try readCommitted(broker.bootstrap, "tx")
            // The last committed round is 58; aborted 59 must not have shadowed it anywhere.
            #expect(expected.filter { $0.hasPrefix("58 ") }.count == 3)
            #expect(!expected.contains { $0.hasPrefix("2 ") || $0.hasPrefix("59 ") })
            broker.stop()
            broker = try EmbeddedBroker(directory: directory, settings: settings)
            defer { broker.stop() }
            client = try RawClient(bootstrap: broker.bootstrap)
            let again = try readCommitted(broker.bootstrap, "tx")
            #expect(again.filter { $0.hasPrefix("58 ") }.count == 3 && !again.contains { $0.hasPrefix("59 ") })
            // The producer goes on after all that.
            me = try client.initProducer("id")
            #expect(try client.addPartitions("id", me, "tx", [0]) == [0])
            let last = batch(
                ["last"], keys: ["k0"], producerId: me.id, epoch: me.epoch, sequence: 0, transactional: true)
            #expect(try client.produce("tx", last, transactionalId: "id").code == 0)
            #expect(try client.endTransaction("id", me, commit: true) == 0)
            #expect(try readCommitted(broker.bootstrap, "tx").last == "last")
        }
    }

    @Test func anInterruptedSwapIsFinishedAtTheNextStart() throws {
        try withTemporaryDirectory { directory in
            var settings = BrokerSettings()
            settings.upkeepMilliseconds = 3_600_000
            var broker = try EmbeddedBroker(directory: directory, settings: settings)
            var client = try RawClient(bootstrap: broker.bootstrap)
            // Not compacted by this broker itself, so that what is there is what the start has made of it.
            #expect(try client.createTopic("s", configs: ["segment.bytes": "500"]) == 0)
            for number in 0..<20 {
                _ = try client.produce("s", batch(["\(number) " + String(repeating: "x", count: 100)], keys: ["k"]))
            }
            broker.stop()
            // As if compaction of the first three segments had died right after its rename.
            let path = "\(directory)/logs/s-0"
            let bases = segments(directory, "s").compactMap { Int64($0.dropLast(4)) }
            try #require(bases.count > 4)
            let kept = try Data(contentsOf: URL(fileURLWithPath: path + "/" + Segment.name(bases[2])))
            try kept.write(to: URL(fileURLWithPath: "\(path)/\(bases[0])-\(bases[3]).swap"))
            try Data("half".utf8).write(to: URL(fileURLWithPath: "\(path)/" + Segment.name(bases[3]) + ".cleaned"))
            broker = try EmbeddedBroker(directory: directory, settings: settings)
            defer { broker.stop() }
            client = try RawClient(bootstrap: broker.bootstrap)
            #expect(segments(directory, "s").compactMap { Int64($0.dropLast(4)) } == [bases[0]] + bases[3...])
            let first = try client.fetch("s", from: 0)
            #expect(first.batches.first?.header.baseOffset == bases[2])
            #expect(try client.listOffset("s", timestamp: -1).offset == 20)
            let names = try FileManager.default.contentsOfDirectory(atPath: path)
            #expect(!names.contains { $0.hasSuffix(".cleaned") || $0.hasSuffix(".swap") })
        }
    }
}
