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

    @Test(arguments: [false, true])
    func producersAreKnownWhenTheirSegmentsAreGone(_ goesOn: Bool) throws {
        try withTemporaryDirectory { directory in
            var log = try open(directory)
            _ = try append(transactional(0), to: log)
            try end(log, commit: true)
            log.limits.checkpointBytes = .max
            try log.roll(nowMilliseconds: now)
            if goesOn { _ = try append(batch(["another's"]), to: log) }
            log.dropSegments(1)
            log = try open(directory)
            #expect(log.logStartOffset == 2 && log.nextOffset == (goesOn ? 3 : 2))
            guard case .duplicate = try append(transactional(0), to: log) else {
                throw Failed("a repeated batch was not recognised")
            }
            guard case .stored = try append(transactional(1), to: log) else { throw Failed("not stored") }
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

    /// Whoever has read the old record has all of the retention to hear of its end, however late compaction came.
    @Test(arguments: [Int64(1000), .max])
    func theTimeOfATombstoneBeginsWithTheRunThatTookItsRecord(_ retention: Int64) throws {
        try withTemporaryDirectory { directory in
            var log = try open(directory)
            _ = try append(batch(["old"], keys: ["k"], timestamp: 1), to: log)
            _ = try append(batch(["null"], keys: ["k"], timestamp: 2), to: log)
            for time in [Int64(0), 500, 999] {
                _ = try append(batch(["at \(time)"], keys: ["other \(time)"]), to: log)
                try compact(log, retention: retention, at: now + time)
                #expect(try values(log).first == "null")
                log = try open(directory)
            }
            let kept = try read(log)
            let header = try #require(kept.batches.first?.header)
            #expect(header.deleteHorizon.map { $0 >= now + 1000 } == true && header.maxTimestamp >= now - 1000)
            _ = try RecordBatch.forEachRecord(header, kept.bytes, 0..<header.totalSize) {
                record throws(MalformedRequest) in
                if record.value == nil && record.timestamp != 2 { throw MalformedRequest("another time") }
            }
            _ = try append(batch(["last"], keys: ["last"]), to: log)
            try compact(log, retention: retention, at: now + 1000)
            #expect(try values(log).contains("null") == (retention == .max))
            #expect(try values(log).count == (retention == .max ? 5 : 4))
        }
    }

    private func compact(_ log: PartitionLog, retention: Int64 = 0, at time: Int64? = nil) throws {
        try log.roll(nowMilliseconds: now)
        var config = TopicConfig(segmentBytes: log.limits.segmentBytes)
        config.deleteRetentionMilliseconds = retention
        config.minimumDirtyRatio = 0
        let run = try #require(Compaction(log: log, config: config, wallMilliseconds: time ?? now))
        while case .more = try run.step() {}
    }

    private func values(_ log: PartitionLog) throws -> [String] { try read(log).values }

    private func read(_ log: PartitionLog) throws -> RawClient.Fetched {
        let slice = try #require(
            try log.read(
                from: 0, limit: log.nextOffset, maximumBytes: 1 << 20, firstWhole: true, nowMilliseconds: now)
        ).slice
        var found = RawClient.Fetched()
        found.bytes = try slice.file.read(at: slice.offset, count: slice.length)
        return found
    }
}
