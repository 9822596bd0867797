// What may happen to the files of a worker, and to the topics behind them: the truth is in Kafka, and comes back.
import Foundation
import Kafka
import SQLite
import TestSupport
import Testing
import Wire

@testable import Worker

@Suite(.serialized) struct FileTests {
    enum Harm: String, CaseIterable, Sendable {
        case deleted, cutShort, randomBytes, yesterdaysCopy, anotherShards, anotherClusters
        /// Put back alone, beside the log that a killed worker has left.
        case yesterdaysCopyBesideTodaysLog
    }

    @Test(arguments: BrokerKind.available) func harmedFilesAreRebuilt(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            let worker = try counting.worker()
            let load = try Load(counting)
            for harm in Harm.allCases {
                load.start(requests: 40, clients: 4)
                try load.settle()
                #expect(try worker.stop() == 0)
                let copy = worker.file(0) + ".copy"
                if harm == .yesterdaysCopy || harm == .yesterdaysCopyBesideTodaysLog {
                    try FileManager.default.copyItem(atPath: worker.file(0), toPath: copy)
                    try worker.restart()
                    load.start(requests: 40, clients: 4)
                    try load.settle()
                    #expect(try worker.stop() == 0)
                }
                if harm == .yesterdaysCopyBesideTodaysLog {
                    try worker.restart()
                    load.start(requests: 40, clients: 4)
                    try load.settle()
                    worker.kill()
                    #expect(FileManager.default.fileExists(atPath: worker.file(0) + "-wal"))
                }
                try self.harm(worker, harm, copy: copy)
                try worker.restart()
                try load.judge()
                let isNamed = worker.log.contains("the write-ahead log beside it was not written for it")
                #expect(isNamed == (harm == .yesterdaysCopyBesideTodaysLog))
            }
            #expect(try worker.stop() == 0)
            try counting.filesEqualTopic((0..<4).map { (worker, $0) })
        }
    }

    private func harm(_ worker: CounterWorker, _ harm: Harm, copy: String) throws {
        let (path, files) = (worker.file(0), FileManager.default)
        switch harm {
        case .deleted: try files.removeItem(atPath: path)
        case .cutShort: truncate(path, 5_000)
        case .randomBytes: try Data((0..<20_000).map { _ in UInt8.random(in: 0...255) }).write(to: URL(filePath: path))
        case .yesterdaysCopy, .yesterdaysCopyBesideTodaysLog:
            try files.removeItem(atPath: path)
            try files.moveItem(atPath: copy, toPath: path)
        case .anotherShards:
            try files.removeItem(atPath: path)
            try files.copyItem(atPath: worker.file(1), toPath: path)
        case .anotherClusters:
            let store = try Connection(path: path)
            defer { store.close() }
            try store.execute("UPDATE runtime_local SET value = 'another' WHERE name = 'cluster'")
        }
    }

    /// The state topic is gone and made anew, empty: nobody starts from nothing, and the last copy is not thrown away.
    @Test(arguments: BrokerKind.available) func aLostStateTopicIsSaid(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            let worker = try counting.worker()
            try counting.expect(201, counting.increment(1))
            #expect(try worker.stop() == 0)
            let state = counting.topics.state(counting.service)
            try Admin.deleteTopics([state], counting.broker.settings)
            try eventually(timeout: 30, "the state topic gone", every: 100) {
                try Admin.listTopics(counting.broker.settings)[state] == nil
            }
            try worker.start()
            try eventually(timeout: 60, "a word about the missing topic", every: 50) {
                worker.log.contains("topics are missing: \(state)")
            }
            try counting.createTopics([state])
            #expect(try worker.waitForExit() == 1)
            #expect(worker.log.contains("somebody has deleted \(state)"))
            // It says so every time, and the rows are still there.
            try worker.start()
            #expect(try worker.waitForExit() == 1)
            let aside = try StateDump.ofFile(worker.file(0) + ".aside")
            #expect(aside.rows[#"{"table":"counters","pk":[1]}"#] != nil)
        }
    }

    /// The topics were made anew with another number of partitions; state from before is another system's.
    @Test(arguments: BrokerKind.available) func anotherNumberOfShardsIsRefused(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            let worker = try counting.worker()
            try counting.expect(201, counting.increment(1))
            #expect(try worker.stop() == 0)
            let record = try #require(
                try readAll(counting.topics.state(counting.service), 0, counting.broker.settings).last {
                    String(decoding: $0.key ?? [], as: UTF8.self).contains("runtime:shards")
                })
            #expect(String(decoding: record.value ?? [], as: UTF8.self).contains("\"last\":4"))
            let producer = try Producer(counting.broker.settings, clientID: "test")
            try producer.send(
                OutgoingRecord(
                    topic: record.topic, partition: 0, key: record.key,
                    value: Array(#"{"name":"runtime:shards","last":12}"#.utf8), headers: record.headers))
            try producer.flush(timeoutMilliseconds: 10_000)
            try worker.start()
            #expect(try worker.waitForExit() == 1)
            #expect(worker.log.contains("built with 12 shards, its topics now have 4 partitions"))
        }
    }
}
