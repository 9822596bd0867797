// The drills themselves: a short one passes, and a system with a mistake planted in its workers does not.
import Foundation
import TestSupport
import Testing
import Wire

@Suite(.serialized) struct DrillRunTests {
    private func drill(_ arguments: [String], _ environment: [String: String] = [:]) throws -> (Int32, JSON) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: builtBinary("bookstore"))
        process.arguments = ["drill"] + arguments + ["--json"]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        try process.runLeashed()
        let line = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, try JSON(parsing: Array(line)))
    }

    @Test(.timeLimit(.minutes(5))) func everythingMayBeKilled() throws {
        let (status, report) = try drill(["kill", "--orders", "150"])
        #expect(status == 0, "\(report.prettyText)")
    }

    @Test(
        .timeLimit(.minutes(8)),
        .enabled(if: ApacheKafka.isAvailable, "KAFKA_HOME is not set: the drill ran on the embedded broker only"))
    func everythingMayBeKilledOnApacheKafka() throws {
        // Long enough for the broker to be hit as well, which is left alone for the first twenty seconds.
        let (status, report) = try drill(["kill", "--orders", "100", "--for", "30s", "--broker", "kafka"])
        #expect(status == 0, "\(report.prettyText)")
    }

    /// Many requests at once on few shards, so that a crash finds some between the two commits.
    @Test(.timeLimit(.minutes(8)), arguments: ["repliesBeforeCommit", "storeBeforeKafka", "offsetsOutside"])
    func aPlantedMistakeIsFound(mistake: String) throws {
        // A crash must hit the few instructions between two steps: one drill may miss them, all of these do not.
        for seed in 1...6 {
            let arguments = [
                "kill", "--seed", String(seed), "--orders", "200", "--rate", "0", "--clients", "32", "--victims",
                "order,bookinventory", "--every", "400ms",
            ]
            let (status, report) = try drill(arguments, ["PLANTED_BUG": mistake, "SHARDS": "2"])
            if status == 1 && report["findings"].array?.isEmpty == false { return }
        }
        Issue.record("six drills did not find \(mistake)")
    }
}
