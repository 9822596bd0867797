// What a start makes of a journal and of logs that are not as usual.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct RestartTests {
    private func wall() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    /// An entry as it lies in the journal: whole, with the right checksum, whatever it says.
    private func framed(_ content: [UInt8]) -> Data {
        var writer = ByteWriter()
        writer.int32(Int32(content.count))
        writer.int32(Int32(bitPattern: Crc32c.of(content, 0..<content.count)))
        writer.raw(content)
        return Data(writer.bytes)
    }

    @Test func anEntryNobodyCanReadKeepsTheBrokerFromStartingAndCostsNothing() throws {
        // A kind of a later version, and a transaction that ends after its id.
        let contents: [[UInt8]] = [[99, 1, 2, 3], [UInt8(JournalKind.transaction.rawValue), 0, 1, 120]]
        // The version that can read it finds everything.
        try expectNoStart { whole in contents.map { framed($0) + whole } }
    }

    @Test func damageBeforeWholeEntriesKeepsTheBrokerFromStartingAndCostsNothing() throws {
        try expectNoStart { whole in
            // One bit: of a length, of a checksum, of the content.
            [1, 5, 9].map { place in
                var damaged = whole
                damaged[place] ^= 1
                return damaged
            }
        }
    }

    /// With none of the journals that `harm` makes of a sound one does a broker start, and it leaves everything as it is;
    /// with the sound one all is there again.
    private func expectNoStart(_ harm: (Data) -> [Data]) throws {
        let broker = try BrokerUnderKill()
        #expect(try broker.client().createTopic("kept") == 0)
        #expect(try broker.client().produce("kept", batch(["x"])).code == 0)
        broker.kill()
        let journal = URL(fileURLWithPath: broker.directory + "/journal")
        let whole = try Data(contentsOf: journal)
        for harmed in harm(whole) {
            try harmed.write(to: journal)
            #expect(throws: BrokerStartError.self) { try EmbeddedBroker(directory: broker.directory) }
            #expect(try Data(contentsOf: journal) == harmed)
            #expect(broker.files("kept", suffix: ".log").count == 1)
        }
        try whole.write(to: journal)
        try broker.start()
        #expect(try broker.client().fetch("kept").values == ["x"])
    }

    @Test func namesTooLongForTheJournalDoNotGetIntoIt() throws {
        let broker = try BrokerUnderKill()
        let client = try broker.client()
        client.clientId = String(repeating: "ä", count: 16_370)
        let joined = try client.joinWithId("g")
        #expect(joined.code == 0 && joined.memberId.utf8.count < 1000)
        #expect(try client.sync("g", joined, assignments: [joined.memberId: "mine"]) == (0, "mine"))
        broker.kill()
        try broker.start()
        #expect(try broker.client().heartbeat("g", joined) == 0)
    }

    @Test func aTransactionalIdWithoutEpochsLeftGetsANewProducerId() throws {
        let broker = try BrokerUnderKill()
        #expect(try broker.client().createTopic("t") == 0)
        let old = try broker.client().initProducer("tx").id
        for epoch in [Int16.max - 1, Int16.max] {
            broker.kill()
            let journal = try Journal(path: broker.directory + "/journal")
            try journal.replay { _, _ throws(MalformedRequest) in }
            let worn = Transaction(
                id: "tx", producerId: old, epoch: epoch, timeoutMilliseconds: 60_000, wallMilliseconds: wall())
            try journal.append(.transaction) { TransactionJournal.write(&$0, worn) }
            try broker.start()
            let client = try broker.client()
            // Its successor fences what it has open with the very last epoch.
            #expect(try client.addPartitions("tx", .init(id: old, epoch: epoch), "t", [0]) == [0])
            let next = try client.initProducer("tx")
            #expect(next.code == 0 && next.id > old && next.epoch == 0)
        }
    }

    @Test func aTransactionNobodyKnowsIsAbortedOnceThereIsRoom() throws {
        try withTemporaryDirectory { directory in
            let settings = BrokerSettings()
            let catalog = Catalog(directory: directory, settings: settings)
            try catalog.makeDirectory()
            try catalog.add(
                name: "t", id: .random(), partitionCount: 1, overrides: [:], nowMilliseconds: wall())
            let log = try #require(catalog.partition(TopicPartition(topic: "t", partition: 0)))
            var orphan = batch(["never"], producerId: 7, epoch: 0, sequence: 0, transactional: true)
            let header = try #require(BatchHeader(orphan, at: 0))
            _ = try log.append(&orphan, 0..<orphan.count, header, nowMilliseconds: wall())
            // Its file cannot be opened for a while, as it could not be written to on a full disk.
            let path = log.segments[0].path
            log.segments[0].closeFile()
            try FileManager.default.moveItem(atPath: path, toPath: path + ".aside")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            let core = Core(settings: settings, journal: try Journal(path: directory + "/journal"), catalog: catalog)
            defer { core.forgetTimers() }
            TransactionCoordinator(core: core, groups: GroupCoordinator(core: core)).resume()
            #expect(log.lastStableOffset == 0)
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(atPath: path + ".aside", toPath: path)
            try eventually {
                core.tick()
                core.runTimers()
                return log.lastStableOffset == 2
            }
            #expect(log.producers.aborted.map(\.producerId) == [7])
        }
    }

    @Test func aTopicCreatedAnewBeginsWithoutTheOffsetsOfTheOldOne() throws {
        let broker = try BrokerUnderKill()
        let client = try broker.client()
        #expect(try client.createTopic("t") == 0 && client.createTopic("stays") == 0)
        #expect(try client.commit(.init(group: "g"), "t", offset: 7) == 0)
        #expect(try client.commit(.init(group: "g"), "stays", offset: 8) == 0)
        // The group of a transaction that is open at the kill.
        let me = try client.initProducer("tx")
        #expect(try client.addOffsets("tx", me, group: "h") == 0)
        #expect(try client.commitInTransaction("tx", me, .init(group: "h"), "t", offset: 9) == 0)
        #expect(try client.deleteTopic("t") == 0 && client.createTopic("t") == 0)
        broker.kill()
        try broker.start()
        #expect(try broker.client().committed("g", "t") == (0, -1))
        #expect(try broker.client().committed("g", "stays") == (0, 8))
        #expect(try broker.client().endTransaction("tx", me, commit: true) == 0)
        #expect(try broker.client().committed("h", "t") == (0, -1))
    }

    /// As on a full disk: nothing can be written there, but it says what it is to say.
    @Test func anAnnouncementThatIsTrueAlreadyNeedNotBeWritten() throws {
        let broker = try BrokerUnderKill()
        broker.kill()
        try FileManager.default.createDirectory(
            atPath: broker.directory + "/bootstrap.new", withIntermediateDirectories: true)
        try broker.start()
        #expect(try broker.client().metadata([]).brokers == 1)
    }
}
