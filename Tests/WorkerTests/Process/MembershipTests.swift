// Workers that come, go, stand still and are left behind; a broker that is away; a disk that is full.
import Foundation
import Kafka
import TestSupport
import Testing

@testable import Worker

@Suite(.serialized) struct MembershipTests {
    @Test(arguments: BrokerKind.available) func fromOneToThreeToOneUnderLoad(_ kind: BrokerKind) throws {
        try Counting.with(kind, shards: 6) { counting in
            let load = try Load(counting, counters: 24, deadlineMilliseconds: 60_000)
            let first = try counting.worker(0)
            load.start(requests: 100_000, clients: 8)
            let others = [try counting.worker(1), try counting.worker(2)]
            // Every worker has answered something before any of them goes.
            try eventually(timeout: 60, "shards at all three", every: 50) {
                counting.workers.allSatisfy { ($0.health["shards"].integer ?? 0) == 2 }
            }
            #expect(load.unanswered == 0)
            for worker in others { #expect(try worker.stop() == 0) }
            try eventually(timeout: 60, "all shards at the first again", every: 50) {
                first.health["shards"].integer == 6 && first.health["ready"].bool == true
            }
            load.stop()
            try load.settle()
            // Not one caller that waited has heard of any of it.
            #expect(load.everUnanswered == 0)
            try load.judge()
            #expect(try first.stop() == 0)
            try counting.filesEqualTopic((0..<6).map { (first, $0) })
        }
    }

    /// Stopped for longer than its session and its transactions last, then woken: it has no shards and does no harm.
    @Test(arguments: BrokerKind.available) func aZombieIsFenced(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            let short = ["SESSION_MILLISECONDS": "1500", "TRANSACTION_MILLISECONDS": "1500"]
            let (zombie, heir) = (try counting.worker(0, short), try counting.worker(1, short))
            let load = try Load(counting, deadlineMilliseconds: 60_000)
            load.start(requests: 100_000, clients: 6)
            try eventually(timeout: 30, "some answers", every: 10) { load.answered > 50 }
            zombie.child?.signal(SIGSTOP)
            try eventually(timeout: 60, "all shards at the heir", every: 50) { heir.health["shards"].integer == 4 }
            let before = load.answered
            try eventually(timeout: 30, "more answers", every: 10) { load.answered > before + 50 }
            zombie.child?.signal(SIGCONT)
            let revival = Revival([zombie])
            defer { revival.stop() }
            try eventually(timeout: 60, "shards at both again", every: 50) {
                heir.health["shards"].integer == 2 && zombie.health["shards"].integer == 2
            }
            load.stop()
            try load.settle()
            try load.judge()
        }
    }

    @Test func theBrokerIsAwayForAWhile() throws {
        try Counting.with(.embedded) { counting in
            let worker = try counting.worker()
            let revival = Revival([worker])
            defer { revival.stop() }
            let load = try Load(counting, deadlineMilliseconds: 120_000)
            load.start(requests: 60, clients: 4)
            try eventually(timeout: 30, "some answers", every: 5) { load.answered > 10 }
            counting.broker.kill()
            let seconds = ProcessInfo.processInfo.environment["SOAK"] == nil ? 8 : 35
            usleep(UInt32(seconds) * 1_000_000)  // this is what is tested: time without a broker
            try counting.broker.start()
            try load.settle()
            #expect(load.everUnanswered == 0)
            try load.judge()
        }
    }

    /// Told to stop while the broker is away, it stops, and soon.
    @Test func stopsWithoutABroker() throws {
        try Counting.with(.embedded) { counting in
            let worker = try counting.worker()
            counting.broker.kill()
            #expect(try worker.stop(seconds: 10) == 0)
        }
    }

    /// A broker that is silent in the middle of a transaction keeps a worker from finishing it: it leaves, as if killed.
    @Test func stopsInTimeBesideASilentBroker() throws {
        try Counting.with(.embedded) { counting in
            let worker = try counting.worker(0, ["STOP_MILLISECONDS": "1500"])
            let load = try Load(counting, deadlineMilliseconds: 60_000)
            load.start(requests: 100_000, clients: 6)
            try eventually(timeout: 30, "some answers", every: 10) { load.answered > 50 }
            counting.broker.signal(SIGSTOP)
            defer { counting.broker.signal(SIGCONT) }
            let status = try worker.stop(seconds: 5)
            #expect(status == 0 || status == StopSignal.lateStatus)
            counting.broker.signal(SIGCONT)
            try worker.start()
            load.stop()
            try load.settle()
            try load.judge()
        }
    }

    @Test(.enabled(if: getuid() == 0, "a small file system can only be mounted by root"))
    func aFullDiskIsSaidAndNothingIsLost() throws {
        try Counting.with(.embedded) { counting in
            let directory = counting.directory + "/0"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            guard mount("tmpfs", directory, "tmpfs", 0, "size=600k") == 0 else {
                return print("skipped: no file system can be mounted here")
            }
            defer { umount2(directory, Int32(MNT_DETACH)) }
            let worker = try counting.worker(0, awaitReady: false)
            let load = try Load(counting, deadlineMilliseconds: 120_000)
            load.start(requests: 100_000, clients: 8)
            #expect(try worker.waitForExit() == 1)
            #expect(worker.log.contains("Nothing is lost; make room"), "\(worker.log.suffix(1_000))")
            load.stop()
            // Room again: the same worker goes on where Kafka says.
            guard mount("tmpfs", directory, "tmpfs", UInt(MS_REMOUNT), "size=64m") == 0 else { return }
            try worker.start()
            try worker.waitUntilReady()
            try load.settle()
            try load.judge()
            #expect(try worker.stop() == 0)
            try counting.filesEqualTopic((0..<4).map { (worker, $0) })
        }
    }
}
