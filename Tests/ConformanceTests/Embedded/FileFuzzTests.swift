// The broker's own files with anything in them: it starts or says which file is wrong, and what it once started with it
// starts with again. FUZZ_SECONDS says how long.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct FileFuzzTests {
    private static let topics = ["plain", "compacted"]

    private let settings: BrokerSettings = {
        var settings = BrokerSettings()
        // What is thrown away and compacted is read at once.
        settings.upkeepMilliseconds = 20
        return settings
    }()

    /// Several segments with records of plain and transactional producers, a commit, an abort, and a group's offset.
    private func fill(_ directory: String) throws {
        let broker = try EmbeddedBroker(directory: directory, settings: settings)
        defer { broker.stop() }
        let client = try RawClient(bootstrap: broker.bootstrap)
        #expect(try client.createTopic("plain", configs: ["segment.bytes": "2000"]) == 0)
        let compacted = ["segment.bytes": "2000", "cleanup.policy": "compact"]
        #expect(try client.createTopic("compacted", configs: compacted) == 0)
        for topic in Self.topics {
            for number in 0..<40 {
                let records = batch(["\(topic) \(number)"], keys: ["\(number % 7)"])
                #expect(try client.produce(topic, records).code == 0)
            }
        }
        let me = try client.initProducer("worker")
        for (sequence, isCommitted) in [(Int32(0), true), (1, false)] {
            #expect(try client.addPartitions("worker", me, "plain", [0]) == [0])
            #expect(try client.addOffsets("worker", me, group: "readers") == 0)
            let member = RawClient.GroupMember(group: "readers")
            #expect(try client.commitInTransaction("worker", me, member, "plain", offset: 7) == 0)
            let records = batch(
                ["plain tx"], producerId: me.id, epoch: me.epoch, sequence: sequence, transactional: true)
            #expect(try client.produce("plain", records, transactionalId: "worker").code == 0)
            #expect(try client.endTransaction("worker", me, commit: isCommitted) == 0)
        }
    }

    private func files(_ directory: String) -> [String] {
        let all = FileManager.default.enumerator(atPath: directory)?.allObjects as? [String] ?? []
        return all.sorted().filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: directory + "/" + $0, isDirectory: &isFolder)
                && !isFolder.boolValue
        }
    }

    private func harm(_ path: String, _ random: inout Seeded) throws {
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        func below(_ count: Int) -> Int { Int(random.next() % UInt64(max(1, count))) }
        func noise(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 16) } }
        switch bytes.isEmpty ? 3 : below(6) {
        case 0: for _ in 0...below(6) { bytes[below(bytes.count)] ^= UInt8(1 + below(255)) }
        case 1:
            let start = below(bytes.count)
            let range = start..<min(bytes.count, start + 1 + below(200))
            bytes.replaceSubrange(range, with: noise(range.count))
        case 2: bytes.removeLast(1 + below(bytes.count))
        case 3: bytes += noise(1 + below(500))
        case 4:
            // Lengths and offsets that are far too large, or negative.
            for place in 0..<min(4, bytes.count) { bytes[min(bytes.count - 1, below(bytes.count) + place)] = 0xff }
        default: bytes.removeSubrange(0..<1 + below(bytes.count))
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    /// Whatever it answers: it answers, takes what is new and gives it back.
    private func use(_ broker: EmbeddedBroker, _ what: String) throws {
        let client = try RawClient(bootstrap: broker.bootstrap, receiveSeconds: 10)
        for topic in try client.metadata(nil).topics.map(\.name) {
            for isCommitted in [true, false] {
                for offset in [Int64(0), 3, 20, 41] {
                    // What is on the disk is handed on; whoever reads it finds out by its sum.
                    let found = try client.fetch(topic, from: offset, readCommitted: isCommitted)
                    guard found.batches.allSatisfy({ $0.header.isIntact(found.bytes, at: $0.start) }) else { continue }
                    #expect(found.values.allSatisfy { $0.hasPrefix(topic) }, "\(what): \(found.values)")
                }
            }
            _ = try client.listOffset(topic, timestamp: -1)
            _ = try client.listOffset(topic, timestamp: 1_000)
        }
        _ = try client.committed("readers", "plain", stable: false)
        _ = try client.initProducer("worker")
        #expect(try client.createTopic("new") == 0, "\(what)")
        let written = try client.produce("new", batch(["new"], keys: ["k"]))
        #expect(written.code == 0, "\(what)")
        #expect(try client.fetch("new", from: written.offset).values == ["new"], "\(what)")
    }

    /// Nil where it refuses, which it may: then it says because of which file.
    private func started(_ directory: String, _ what: String) throws -> EmbeddedBroker? {
        do { return try EmbeddedBroker(directory: directory, settings: settings) } catch {
            #expect("\(error)".contains(directory), "\(what): \(error)")
            return nil
        }
    }

    @Test(.timeLimit(.minutes(10))) func noFileTrapsTheBroker() throws {
        try withTemporaryDirectory { folder in
            let whole = folder + "/whole"
            try fill(whole)
            let names = files(whole)
            let seed = UInt64(getpid())
            var random = Seeded(seed: seed)
            let deadline = ContinuousClock.now + .seconds(fuzzSeconds)
            var (tried, refused) = (0, 0)
            while ContinuousClock.now < deadline {
                tried += 1
                let directory = "\(folder)/\(tried)"
                try FileManager.default.copyItem(atPath: whole, toPath: directory)
                let name = names[Int(random.next() % UInt64(names.count))]
                // Without its checkpoints it has to read everything, as after a kill.
                if random.next() % 2 == 0 {
                    for name in names where name.hasSuffix(".state") {
                        try FileManager.default.removeItem(atPath: directory + "/" + name)
                    }
                }
                let path = directory + "/" + name
                if FileManager.default.fileExists(atPath: path) { try harm(path, &random) }
                let what = "seed \(seed), start \(tried), \(name)"
                if let broker = try started(directory, what) {
                    do { try use(broker, what) } catch { Issue.record("\(what): \(error)") }
                    broker.stop()
                    try EmbeddedBroker(directory: directory, settings: settings).stop()
                } else {
                    refused += 1
                }
                try FileManager.default.removeItem(atPath: directory)
            }
            print("\(tried) starts on harmed files, \(refused) refused, seed \(seed)")
        }
    }
}
