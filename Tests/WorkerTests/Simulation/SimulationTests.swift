// Runs the simulation with many seeds. `SIM_SEED=…` replays one, `SIM_STEPS` and `SIM_SEEDS` make it longer.
import Foundation
import Platform
import TestSupport
import Testing

/// In memory where there is such a thing: what the disk does is the subject of other tests.
private func withMemoryDirectory(_ body: (String) throws -> Void) throws {
    let memory = "/dev/shm/cna-\(UUID().uuidString.lowercased())"
    guard (try? FileManager.default.createDirectory(atPath: memory, withIntermediateDirectories: true)) != nil else {
        return try withTemporaryDirectory(body)
    }
    defer { removeDirectory(memory) }
    try body(memory)
}

@Suite(.serialized) struct SimulationTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let steps = environment["SIM_STEPS"].flatMap { Int($0) } ?? 20_000
    private static let seeds: [UInt64] = {
        if let seed = environment["SIM_SEED"].flatMap({ UInt64($0) }) { return [seed] }
        let first = UInt64.random(in: 0..<1_000_000) * 1_000
        return (0..<(environment["SIM_SEEDS"].flatMap { UInt64($0) } ?? 10)).map { first + $0 }
    }()

    @Test(arguments: seeds) func everythingHappensOnce(_ seed: UInt64) throws {
        try Log.start(settings: Settings(["LOG_LEVEL": "error"]), context: [:])
        try withMemoryDirectory { directory in
            let simulation = Simulation(seed: seed, directory: directory)
            do {
                try simulation.run(steps: Self.steps)
            } catch {
                Issue.record("SIM_SEED=\(seed) SIM_STEPS=\(Self.steps): \(error)")
            }
            print("seed \(seed): \(simulation.summary)")
            // A failed expectation in between is found again with this seed.
            #expect(simulation.fatal.isEmpty, "SIM_SEED=\(seed)")
        }
    }
}
