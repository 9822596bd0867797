// Shard files with anything in them: a worker uses what is whole, rebuilds what is not, and never stays down for it.
// FUZZ_SECONDS says how long.
import Foundation
import Kafka
import Platform
import SQLite
import TestSupport
import Testing

@testable import Worker
@testable import counter

@Suite struct FileFuzzTests {
    private static let rows: Int64 = 1_500

    private let broker = ModelBroker(seed: 7, topics: Counters.system.topics, service: "counter", shardCount: 1)

    /// One more start with this folder.
    private func bench(_ directory: String) -> CustodyBench { CustodyBench(broker, shards: 1, directory: directory) }

    /// What a start finds in the file, after as many starts as it takes: one that meets damage later removes the file.
    private func start(_ directory: String) throws -> [Int64: Int64] {
        for _ in 0..<2 {
            let bench = bench(directory)
            defer { bench.custody.closeAll() }
            guard bench.take([0]) != nil, let shard = bench.custody.shard(0) else {
                throw Unstartable(reason: bench.failure)
            }
            do { return try use(shard) } catch let error as SQLiteError where error.isCorrupt {
                _ = bench.custody.discardIfDamaged(StoreFailure(error))
            }
        }
        throw Unstartable(reason: "the second start met damage, too")
    }

    private func use(_ shard: Shard) throws -> [Int64: Int64] {
        var values: [Int64: Int64] = [:]
        for row in try shard.store.query("SELECT counterId, value FROM counters") {
            values[try row.integer("counterId")] = try row.integer("value")
        }
        try shard.store.execute("UPDATE counters SET seen = seen + 1")
        return values
    }

    private struct Unstartable: Error { let reason: String }

    private enum Harm: CaseIterable { case flips, noise, zeroes, pagesSwapped, cut, longer }

    private func harm(_ file: inout [UInt8], _ random: inout SeededRandom) -> Harm {
        let harm = Harm.allCases[Int.random(in: 0..<Harm.allCases.count, using: &random)]
        let page = 4_096
        func anyPage(_ random: inout SeededRandom) -> Range<Int> {
            let number = Int.random(in: 0..<file.count / page, using: &random)
            return number * page..<(number + 1) * page
        }
        switch harm {
        case .flips:
            // Most of a file is rows; what holds it together is at the beginning of its pages.
            let isHead = Bool.random(using: &random)
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let place = anyPage(&random).prefix(isHead ? 100 : page).randomElement(using: &random) ?? 0
                file[place] ^= UInt8.random(in: 1...255, using: &random)
            }
        case .noise:
            let range = anyPage(&random).suffix(Int.random(in: 1...page, using: &random))
            for place in range { file[place] = UInt8.random(in: 0...255, using: &random) }
        case .zeroes: for place in anyPage(&random) { file[place] = 0 }
        case .pagesSwapped:
            let (one, other) = (anyPage(&random), anyPage(&random))
            let kept = Array(file[one])
            file.replaceSubrange(one, with: Array(file[other]))
            file.replaceSubrange(other, with: kept)
        case .cut: file.removeLast(Int.random(in: 1...file.count, using: &random))
        case .longer:
            let count = Int.random(in: 1...10_000, using: &random)
            file += (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        return harm
    }

    @Test(.timeLimit(.minutes(10))) func noFileKeepsAWorkerDown() throws {
        let expected = Dictionary(uniqueKeysWithValues: (1...Self.rows).map { ($0, $0 * 7) })
        try withTemporaryDirectory { directory in
            let log = bench(directory)
            for id in 1...Self.rows {
                let row = CustodyBench.counter(id, id * 7)
                log.put(0, row.key, row.value)
            }
            #expect(try start(directory) == expected)
            let path = "\(directory)/shard-00.sqlite"
            let whole = Array(try Data(contentsOf: URL(filePath: path)))
            #expect(whole.count > 40_000)
            let seed = UInt64(getpid())
            var random = SeededRandom(seed: seed)
            let end = Date(timeIntervalSinceNow: fuzzSeconds)
            var tried = 0
            while Date() < end {
                tried += 1
                var file = whole
                let harm = harm(&file, &random)
                FileSystem.removeDatabase(path)
                try Data(file).write(to: URL(filePath: path))
                do {
                    let found = try start(directory)
                    // SQLite has no sums of its rows: another value in a sound file is a thing that disks must not do.
                    if found != expected { #expect(harm == .flips || harm == .noise, "seed \(seed), file \(tried)") }
                } catch let error as Unstartable {
                    Issue.record("seed \(seed), file \(tried), \(harm): \(error.reason)")
                }
            }
            print("\(tried) harmed shard files, seed \(seed)")
        }
    }
}
