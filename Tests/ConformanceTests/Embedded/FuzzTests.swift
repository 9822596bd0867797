// Random and mutated bytes: nothing that comes in may end the broker. FUZZ_SECONDS says how long.
import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct FuzzTests {
    @Test(.timeLimit(.minutes(10)))
    func nothingThatComesInEndsTheBroker() throws {
        let broker = try BrokerUnderKill()
        let first = try broker.client()
        #expect(try first.createTopic("fuzz", partitions: 3) == 0)
        let seed = UInt64(getpid())
        var random = Seeded(seed: seed)
        let samples = try recordSamples(broker)
        // The decoder alone gets the time; most of what goes over a socket is waiting.
        let deadline = ContinuousClock.now + .seconds(max(3, fuzzSeconds / 3))
        var sent = 0
        while ContinuousClock.now < deadline {
            let client = try RawClient(bootstrap: broker.bootstrap, receiveSeconds: 1)
            for _ in 0..<20 {
                guard (try? client.send(raw: request(samples, &random))) != nil else { break }
                sent += 1
            }
            if sent % 1000 < 20 {
                #expect(try broker.client().metadata(["fuzz"]).topics.first?.code == 0, "seed \(seed)")
            }
        }
        #expect(sent > 100)
        // Alive, sane and able to restart from what it has stored meanwhile.
        #expect(try broker.client().createTopic("after") == 0)
        #expect(try broker.client().produce("after", batch(["x"])).code == 0, "seed \(seed)")
        broker.kill()
        try broker.start()
        #expect(try broker.client().fetch("after").values == ["x"], "seed \(seed)")
    }

    @Test(.timeLimit(.minutes(10)))
    func theDecoderNeverTraps() throws {
        let seed = UInt64(getpid())
        var random = Seeded(seed: seed)
        let honest = [
            batch(["a", "b", "null"], keys: ["k", nil, "m"]),
            batch([String(repeating: "x", count: 300)], producerId: 7, epoch: 1, sequence: 3, transactional: true),
            BatchBuilder.marker(commit: true, offset: 9, timestamp: 1, producerId: 7, producerEpoch: 1),
        ]
        let deadline = ContinuousClock.now + .seconds(fuzzSeconds)
        var rounds = 0
        while ContinuousClock.now < deadline {
            for _ in 0..<1000 {
                decodeAsFields(noise(&random, below: 120), &random)
                decodeAsRecords(noise(&random, below: 120), &random)
                var bytes = honest[Int(random.next() % UInt64(honest.count))]
                mutate(&bytes, &random)
                decodeAsRecords(bytes, &random)
            }
            rounds += 1
        }
        #expect(rounds > 0)
        print("theDecoderNeverTraps: \(rounds * 3000) inputs with seed \(seed)")
    }

    private func noise(_ random: inout Seeded, below count: UInt64) -> [UInt8] {
        (0..<Int(random.next() % count)).map { _ in UInt8(truncatingIfNeeded: random.next() >> 16) }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Seeded) {
        for _ in 0...Int(random.next() % 4) {
            let interesting: [UInt8] = [0, 1, 0x7f, 0x80, 0xff, UInt8(truncatingIfNeeded: random.next() >> 16)]
            bytes[Int(random.next() % UInt64(bytes.count))] = interesting[Int(random.next() % 6)]
        }
        if random.next() % 4 == 0 { bytes.removeLast(Int(random.next() % UInt64(bytes.count))) }
        if bytes.isEmpty { bytes = [0] }
    }

    private func decodeAsFields(_ bytes: [UInt8], _ random: inout Seeded) {
        var reader = ByteReader(bytes)
        reader.flexible = random.next() % 2 == 0
        _ = try? reader.array { reader throws(MalformedRequest) in
            _ = try reader.nullableString()
            _ = try reader.varlong()
            try reader.endStructure()
        }
    }

    private func decodeAsRecords(_ bytes: [UInt8], _ random: inout Seeded) {
        if let header = BatchHeader(bytes, at: 0) {
            _ = header.isIntact(bytes, at: 0)
            _ = BatchBuilder.markerCommits(header, bytes, at: 0)
            let end = min(bytes.count, header.totalSize)
            _ = try? RecordBatch.forEachRecord(header, bytes, 0..<end) { _ throws(MalformedRequest) in }
        }
        _ = try? RecordBatch.check(
            bytes, 0..<bytes.count, maximumSize: 1000, keyRequired: random.next() % 2 == 0)
    }

    /// Honest requests of every api and version: mutations of these get deeper than noise.
    private func recordSamples(_ broker: BrokerUnderKill) throws -> [[UInt8]] {
        var samples: [[UInt8]] = []
        let records = batch(["a", "b"], keys: ["k", nil])
        for api in Api.sorted {
            for version in api.accepted {
                var writer = ByteWriter()
                writer.int16(api.key)
                writer.int16(version)
                writer.int32(1)
                writer.nullableString("fuzz")
                writer.flexible = version >= api.flexibleFrom
                writer.endStructure()
                writer.string("fuzz")
                writer.int32(1)
                writer.array(["fuzz"]) { writer, topic in
                    writer.string(topic)
                    writer.array([Int32(0)]) { writer, partition in
                        writer.int32(partition)
                        writer.byteArray(records)
                    }
                }
                writer.int64(0)
                writer.raw([UInt8](repeating: 0, count: 40))
                samples.append(writer.bytes)
            }
        }
        return samples
    }

    private func request(_ samples: [[UInt8]], _ random: inout Seeded) -> [UInt8] {
        var body = samples[Int(random.next() % UInt64(samples.count))]
        switch random.next() % 4 {
        case 0:
            // The header of a real request, then noise.
            body =
                Array(body.prefix(14))
                + (0..<Int(random.next() % 200)).map { _ in UInt8(truncatingIfNeeded: random.next() >> 16) }
        case 1: body = Array(body.prefix(Int(random.next() % UInt64(body.count)) + 1))
        default:
            for _ in 0...Int(random.next() % 8) {
                let place = 8 + Int(random.next() % UInt64(max(1, body.count - 8)))
                guard place < body.count else { continue }
                let interesting: [UInt8] = [0, 1, 0x7f, 0x80, 0xff, UInt8(truncatingIfNeeded: random.next() >> 16)]
                body[place] = interesting[Int(random.next() % UInt64(interesting.count))]
            }
        }
        let size = UInt32(random.next() % 50 == 0 ? random.next() >> 32 : UInt64(body.count))
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> UInt32($0)) } + body
    }
}
