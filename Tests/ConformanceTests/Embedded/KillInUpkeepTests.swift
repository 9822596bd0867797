// The broker is killed again and again while it writes, compacts and throws away: what it said it has is still there.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct KillInUpkeepTests {
    private static let kills = 40
    private static let keys = 20

    /// What was sent under a key: the last that was acknowledged, and what came after without an answer.
    private struct Sent {
        var acknowledged: String?
        var uncertain: [String] = []
    }

    @Test(.timeLimit(.minutes(3)))
    func killsDuringCompactionAndRetentionLoseNothing() throws {
        let broker = try BrokerUnderKill(environment: ["BROKER_UPKEEP_MS": "10"])
        let small = ["segment.bytes": "4000"]
        let first = try broker.client()
        let compacted = small.merging(["cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"]) { $1 }
        #expect(try first.createTopic("state", configs: compacted) == 0)
        #expect(try first.createTopic("stream", configs: small.merging(["retention.bytes": "30000"]) { $1 }) == 0)
        var random = Seeded(seed: UInt64(getpid()))
        var state: [String: Sent] = [:]
        var acknowledged: [Int] = []
        var number = 0
        for _ in 0..<KillInUpkeepTests.kills {
            let deadline = DispatchTime.now() + .milliseconds(20 + Int(random.next() % 120))
            let victim = broker.processId
            DispatchQueue.global().asyncAfter(deadline: deadline) { Foundation.kill(victim, SIGKILL) }
            do {
                let client = try RawClient(bootstrap: broker.bootstrap, receiveSeconds: 5)
                while true {
                    number += 1
                    let key = "k\(random.next() % UInt64(KillInUpkeepTests.keys))"
                    let value = "\(number) " + String(repeating: "v", count: 100)
                    state[key, default: Sent()].uncertain.append(value)
                    if try client.produce("state", batch([value], keys: [key])).code == 0 {
                        state[key] = Sent(acknowledged: value)
                    }
                    if try client.produce("stream", batch([value])).code == 0 { acknowledged.append(number) }
                }
            } catch {}
            broker.kill()
            try broker.start()
            try check(try broker.client(), state, acknowledged)
        }
        #expect(acknowledged.count > KillInUpkeepTests.kills)
        // It did throw away and compact.
        #expect(try broker.client().listOffset("stream", timestamp: -2).offset > 0)
        try eventually(timeout: 20, "compaction") {
            try broker.client().records("state").count < acknowledged.count / 2
        }
        try check(try broker.client(), state, acknowledged)
    }

    private func check(_ client: RawClient, _ state: [String: Sent], _ acknowledged: [Int]) throws {
        var last: [String: String] = [:]
        for (key, value) in try client.records("state") { last[key] = value }
        for (key, sent) in state {
            let allowed = sent.uncertain + (sent.acknowledged.map { [$0] } ?? [])
            #expect(last[key].map { allowed.contains($0) } ?? (sent.acknowledged == nil), "\(key)")
        }
        let stream = try client.records("stream").compactMap { Int($0.value.prefix { $0 != " " }) }
        #expect(stream == stream.sorted() && Set(stream).count == stream.count)
        let kept = acknowledged.drop { $0 < stream.first ?? .max }
        #expect(Set(kept).isSubset(of: stream))
        // Retention takes the oldest, never the whole.
        #expect(acknowledged.isEmpty || stream.last ?? 0 >= acknowledged.last ?? 0)
    }
}

extension RawClient {
    /// Everything that is in a topic of one partition.
    func records(_ topic: String) throws -> [(key: String, value: String)] {
        var records: [(String, String)] = []
        // Upkeep may take the oldest away while they are read.
        var offset = try listOffset(topic, timestamp: -2).offset
        let end = try listOffset(topic, timestamp: -1).offset
        while offset < end {
            let fetched = try fetch(topic, from: offset)
            if fetched.code == ErrorCode.offsetOutOfRange.rawValue {
                records = []
                offset = try listOffset(topic, timestamp: -2).offset
                continue
            }
            guard let last = fetched.batches.last else { break }
            for (header, start) in fetched.batches {
                try RecordBatch.forEachRecord(header, fetched.bytes, start..<start + header.totalSize) {
                    record throws(MalformedRequest) in
                    let key = record.key.map { String(decoding: fetched.bytes[$0], as: UTF8.self) } ?? ""
                    let value = record.value.map { String(decoding: fetched.bytes[$0], as: UTF8.self) } ?? "null"
                    if record.offset >= offset { records.append((key, value)) }
                }
            }
            offset = last.header.lastOffset + 1
        }
        return records
    }
}
