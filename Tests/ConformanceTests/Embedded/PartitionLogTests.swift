// The log of one partition by itself: with a checkpoint at every batch, and compacted by hand.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct PartitionLogTests {
    private let now = Int64(Date().timeIntervalSince1970 * 1000)
    private static let producer: Int64 = 7

    /// Opened anew a log knows what it would know after a kill: there is nothing to say goodbye to.
    private func open(_ directory: String) throws -> PartitionLog {
        let log = try PartitionLog(topic: "t", partition: 0, directory: directory + "/t-0", nowMilliseconds: now)
        log.limits.checkpointBytes = 1
        return log
    }

    private func append(_ bytes: [UInt8], to log: PartitionLog) throws -> PartitionLog.Appended {
        var bytes = bytes
        let header = try #require(BatchHeader(bytes, at: 0))
        return try log.append(&bytes, 0..<bytes.count, header, nowMilliseconds: now)
    }

    private func transactional(_ sequence: Int32) -> [UInt8] {
        batch(["v"], producerId: PartitionLogTests.producer, epoch: 0, sequence: sequence, transactional: true)
    }

    private func end(_ log: PartitionLog, commit: Bool) throws {
        try log.appendMarker(commit: commit, producerId: PartitionLogTests.producer, epoch: 0, nowMilliseconds: now)
    }

    @Test func aCheckpointKnowsTheBatchThatCausedIt() throws {
        try withTemporaryDirectory { directory in
            for commit in [true, false] {
                var log = try open(directory)
                let first = log.nextOffset
                _ = try append(transactional(commit ? 0 : 1), to: log)
                log = try open(directory)
                #expect(log.producers.open == [PartitionLogTests.producer: first])
                #expect(log.lastStableOffset == first && log.nextOffset == first + 1)
                guard case .duplicate = try append(transactional(commit ? 0 : 1), to: log) else {
                    throw Failed("a repeated batch was not recognised")
                }
                try end(log, commit: commit)
                log = try open(directory)
                #expect(log.producers.open.isEmpty && log.lastStableOffset == first + 2)
                #expect(log.producers.aborted.map(\.firstOffset) == (commit ? [] : [first]))
            }
        }
    }

    @Test func aCheckpointThatCannotBeWrittenIsNoErrorOfTheBatch() throws {
        try withTemporaryDirectory { directory in
            let log = try open(directory)
            // A directory in its place: no file can be renamed to its name.
            try FileManager.default.createDirectory(
                atPath: Checkpoint.path(directory + "/t-0", 0), withIntermediateDirectories: true)
            guard case .stored(0) = try append(transactional(0), to: log) else { throw Failed("not stored") }
            guard case .duplicate = try append(transactional(0), to: log) else { throw Failed("stored twice") }
            try end(log, commit: true)
            #expect(log.nextOffset == 2 && log.lastStableOffset == 2)
            #expect(try open(directory).lastStableOffset == 2)
        }
    }

    /// The broker cannot look into compressed batches: one of them may hold what the tombstone deletes.
    @Test(arguments: [Int16(0), 1])
    func aTombstoneStaysAsLongAsAnOlderCompressedBatch(_ compression: Int16) throws {
        try withTemporaryDirectory { directory in
            let log = try open(directory)
            _ = try append(batch(["old"], keys: ["k"], compression: compression), to: log)
            _ = try append(batch(["null"], keys: ["k"], timestamp: 1), to: log)
            try compact(log)
            #expect(try values(log).contains("null"), "it goes in the run after the one that took its record")
            _ = try append(batch(["more"], keys: ["other"]), to: log)
            try compact(log)
            #expect(try values(log).contains("null") == (compression != 0))
            #expect(try values(log).contains("more"))
        }
    }

    private func compact(_ log: PartitionLog) throws {
        try log.roll(nowMilliseconds: now)
        var config = TopicConfig(segmentBytes: log.limits.segmentBytes)
        config.deleteRetentionMilliseconds = 0
        config.minimumDirtyRatio = 0
        let run = try #require(Compaction(log: log, config: config, wallMilliseconds: now))
        while case .more = try run.step() {}
    }

    private func values(_ log: PartitionLog) throws -> [String] {
        let slice = try #require(
            try log.read(
                from: 0, limit: log.nextOffset, maximumBytes: 1 << 20, firstWhole: true, nowMilliseconds: now))
        var found = RawClient.Fetched()
        found.bytes = try slice.file.read(at: slice.offset, count: slice.length)
        return found.values
    }
}
