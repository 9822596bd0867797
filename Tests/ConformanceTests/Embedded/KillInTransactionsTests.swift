// The broker is killed inside 200 random transactions; a client that repeats what it is not sure of loses and doubles
// nothing, because records and offsets of a transaction move together or not at all.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct KillInTransactionsTests {
    private static let kills = 200
    private static let partitions: Int32 = 4
    private static let group = "workers"
    private static let id = "worker"

    @Test(.timeLimit(.minutes(5)))
    func killsInsideRandomTransactionsLoseAndDoubleNothing() throws {
        let broker = try BrokerUnderKill()
        #expect(try broker.client().createTopic("input") == 0)
        #expect(try broker.client().createTopic("output", partitions: KillInTransactionsTests.partitions) == 0)
        var random = Seeded(seed: UInt64(getpid()))
        var kills = 0
        var next = 0
        while kills < KillInTransactionsTests.kills {
            // Each transaction dies at a moment of its own, most of them before their end.
            let deadline = DispatchTime.now() + .microseconds(Int(random.next() % 8000))
            let victim = broker.processId
            DispatchQueue.global().asyncAfter(deadline: deadline) { Foundation.kill(victim, SIGKILL) }
            do {
                while true { try work(broker, &next, &random) }
            } catch {
                kills += 1
            }
            broker.kill()
            try broker.start()
            next = try resume(broker)
        }
        #expect(next > KillInTransactionsTests.kills / 20)
        try check(broker, transactions: next)
    }

    /// One transaction: some records in some partitions, tagged with its number, and the input offset. A third of the
    /// transactions is aborted first and then done again, as a worker does it.
    private func work(_ broker: BrokerUnderKill, _ next: inout Int, _ random: inout Seeded) throws {
        let client = try RawClient(bootstrap: broker.bootstrap, receiveSeconds: 5)
        let id = KillInTransactionsTests.id
        let me = try client.initProducer(id)
        guard me.code == 0 else { throw Failed("init \(me.code)") }
        var sequences: [Int32: Int32] = [:]
        while true {
            let abort = random.next() % 3 == 0
            guard try client.addOffsets(id, me, group: KillInTransactionsTests.group) == 0 else {
                throw Failed("offsets")
            }
            let member = RawClient.GroupMember(group: KillInTransactionsTests.group)
            let held = try client.commitInTransaction(id, me, member, "input", offset: Int64(next + 1))
            guard held == 0 else { throw Failed("held \(held)") }
            for partition in targets(next) {
                let values = (0..<1 + next % 3).map { "\(next)/\($0)" }
                guard try client.addPartitions(id, me, "output", [partition]) == [0] else { throw Failed("partition") }
                let sequence = sequences[partition] ?? 0
                let sent = try client.produce(
                    "output",
                    batch(values, producerId: me.id, epoch: me.epoch, sequence: sequence, transactional: true),
                    partition: partition, transactionalId: id)
                guard sent.code == 0 else { throw Failed("produce \(sent.code)") }
                sequences[partition] = sequence + Int32(values.count)
            }
            guard try client.endTransaction(id, me, commit: !abort) == 0 else { throw Failed("end") }
            if !abort { next += 1 }
        }
    }

    private func targets(_ number: Int) -> [Int32] {
        (0..<KillInTransactionsTests.partitions).filter { number >> Int($0) & 1 == 1 || Int($0) == number % 4 }
    }

    /// What a new worker does: fence the old one, then ask how far it came.
    private func resume(_ broker: BrokerUnderKill) throws -> Int {
        let client = try broker.client()
        guard try client.initProducer(KillInTransactionsTests.id).code == 0 else { throw Failed("init") }
        let committed = try client.committed(KillInTransactionsTests.group, "input")
        guard committed.code == 0 else { throw Failed("committed \(committed.code)") }
        return Int(max(0, committed.offset))
    }

    private func check(_ broker: BrokerUnderKill, transactions: Int) throws {
        for partition in 0..<KillInTransactionsTests.partitions {
            let expected = (0..<transactions).filter { targets($0).contains(partition) }
                .flatMap { number in (0..<1 + number % 3).map { "\(number)/\($0)" } }
            #expect(try readCommitted(broker.bootstrap, "output", partition) == expected)
        }
        #expect(
            try broker.client().committed(KillInTransactionsTests.group, "input") == (
                0, Int64(transactions)
            ))
    }
}

/// A small generator whose run can be repeated from its seed.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
