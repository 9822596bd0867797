// The drills themselves: a short one passes, and a system with a mistake planted in its workers does not.
import Foundation
import TestSupport
import Testing
import Wire

@Suite(.serialized) struct DrillRunTests {
    private func drill(_ arguments: [String], _ environment: [String: String] = [:]) throws -> (Int32, JSON) {
        let (status, output) = try bookstore(["drill"] + arguments + ["--json"], environment)
        return (status, try JSON(parsing: output))
    }

    /// - Parameter isRead: false when the reader of its output has gone away before it says anything.
    private func bookstore(_ arguments: [String], _ environment: [String: String], isRead: Bool = true) throws
        -> (Int32, [UInt8])
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: builtBinary("bookstore"))
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        if !isRead { try output.fileHandleForReading.close() }
        try process.runLeashed()
        let said = isRead ? output.fileHandleForReading.readDataToEndOfFile() : Data()
        process.waitUntilExit()
        return (process.terminationStatus, Array(said))
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

    @Test(.timeLimit(.minutes(5))) func garbageIsOnEveryTopic() throws {
        let (status, report) = try drill(["poison", "--orders", "150", "--rate", "30"])
        #expect(status == 0, "\(report.prettyText)")
        let skipped = report["table"]["garbage on state topics, skipped and counted"].string.flatMap { Int($0) }
        #expect(skipped ?? 0 > 0, "none was planted: \(report.prettyText)")
    }

    /// What runs already is drilled twice with the same seed, after somebody else has used it.
    @Test(.timeLimit(.minutes(5))) func aSystemThatRunsIsJudged() throws {
        try withTemporaryDirectory { folder in
            let port = try freePort()
            let environment = [
                "RUN_DIR": folder, "GATEWAY_PORT": String(port), "ORDER_PORT": "0", "KAFKA_HOME": "",
                "KAFKA_BOOTSTRAP": "", "UP_WHILE_PID": String(ProcessInfo.processInfo.processIdentifier), "SHARDS": "5",
            ]
            #expect(try bookstore(["up", "--detach"], environment).0 == 0)
            defer { _ = try? bookstore(["down"], environment) }
            #expect(try bookstore(["demo"], environment).0 == 0)
            for _ in 0..<2 {
                let (status, report) = try drill(
                    ["kill", "--seed", "3", "--orders", "30", "--target", "http://127.0.0.1:\(port)"],
                    environment.merging(["SHARDS": "12"]) { $1 })
                #expect(status == 0, "\(report.prettyText)")
                #expect(report["table"]["orders acknowledged"].string.flatMap { Int($0) } ?? 0 >= 30)
            }
        }
    }

    @Test func whatCannotBeDrilledIsSaid() throws {
        for arguments in [["--replicas", "order=0"], ["--victims", ","], ["--report", "/nonexistent/report.txt"]] {
            #expect(try bookstore(["drill", "kill"] + arguments, [:]).0 == 2, "\(arguments)")
        }
        let (status, report) = try drill(
            ["kill", "--target", "http://127.0.0.1:\(try freePort())"], ["KAFKA_BOOTSTRAP": "127.0.0.1:9"])
        #expect(status == 1)
        #expect(
            report["findings"].array?.first?["text"].string?.contains("nobody answers at http://127.0.0.1:") == true)
    }

    /// Whoever would read it: the drill's own process or one that it starts.
    @Test(arguments: [("SHARDS", "0"), ("BATCH_BYTES_MAX", "foo")])
    func settingsThatMakeNoSenseLeaveNothingBehind(variable: String, value: String) throws {
        try withTemporaryDirectory { folder in
            let (status, _) = try bookstore(["drill", "scale"], [variable: value, "TMPDIR": folder])
            #expect(status == 2)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left == [])
        }
    }

    @Test func aReaderThatGoesAwayIsNoVerdict() throws {
        let target = "http://127.0.0.1:\(try freePort())"
        let environment = ["KAFKA_BOOTSTRAP": "127.0.0.1:9"]
        #expect(try bookstore(["drill", "kill", "--target", target], environment, isRead: false).0 == 1)
    }

    /// Many requests at once on few shards, so that a crash finds some between the two commits.
    @Test(.timeLimit(.minutes(8)), arguments: ["repliesBeforeCommit", "storeBeforeKafka", "offsetsOutside"])
    func aPlantedMistakeIsFound(mistake: String) throws {
        // A crash must hit the few instructions between two steps. Twelve crashes in half a minute do nine times in ten; that
        // all of these drills miss is one chance in a hundred thousand.
        for seed in 1...6 {
            let arguments = [
                "kill", "--seed", String(seed), "--orders", "200", "--rate", "0", "--clients", "32", "--victims",
                "order,bookinventory", "--every", "200ms", "--kills", "12",
            ]
            let (status, report) = try drill(arguments, ["PLANTED_BUG": mistake, "SHARDS": "2"])
            if status == 1 && report["findings"].array?.isEmpty == false { return }
        }
        Issue.record("six drills did not find \(mistake)")
    }
}
