// The supervisor outlives what goes wrong with its own files.
import Foundation
import Platform
import TestSupport
import Testing
import Wire

@testable import Operations

// One at a time: a supervisor waits for any child of its process, and would take one that another waits for.
@Suite(.serialized) struct SupervisorTests {
    /// In place of this program: says that it was started, and ends.
    private func program(in directory: String, _ script: String) throws -> String {
        let path = directory + "/program"
        try FileSystem.replace(path, with: "#!/bin/sh\n" + script + "\n")
        chmod(path, 0o755)
        return path
    }

    private func supervise(
        _ script: String, _ body: (Supervisor, RunDirectory, _ executable: String) throws -> Void
    ) throws {
        // A supervisor blocks signals for its thread, which here belongs to the tests.
        var signals = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &signals)
        defer { pthread_sigmask(SIG_SETMASK, &signals, nil) }
        try withTemporaryDirectory { directory in
            let run = RunDirectory(directory)
            try run.prepare()
            let executable = try program(in: directory, script)
            let supervisor = try Supervisor(
                run: run, executable: executable, settings: Settings([:]), description: [:])
            defer { supervisor.stop { _ in } }
            try supervisor.add(
                Program(
                    instance: "thing-0", service: "thing", tier: .service, executable: executable, arguments: [],
                    environment: [:],
                    readiness: .heartbeat(path: directory + "/health"), liveness: nil, place: ""))
            try body(supervisor, run, executable)
        }
    }

    private func starts(_ run: RunDirectory) -> Int { FileSystem.tail(run.logFile("thing-0"), lines: 100).count }

    @Test("Processes are started again although their pid and the status cannot be written")
    func filesThatCannotBeWritten() throws {
        try supervise("echo started") { supervisor, run, _ in
            for path in [run.pidFile("thing-0"), run.statusFile] {
                // No file can take the place of a folder, whoever asks.
                FileSystem.remove(path)
                try FileSystem.makeDirectories(path)
            }
            try eventually("a second restart") {
                supervisor.turn(milliseconds: 10)
                return starts(run) >= 3
            }
        }
    }

    @Test("A process that cannot be started is tried again")
    func aProgramThatCannotBeStarted() throws {
        try supervise("echo started") { supervisor, run, executable in
            let aside = executable + ".aside"
            rename(executable, aside)
            // The program is away for two tries, a tenth of a second and two tenths apart.
            for _ in 0..<50 { supervisor.turn(milliseconds: 10) }
            let before = starts(run)
            rename(aside, executable)
            try eventually("a restart") {
                supervisor.turn(milliseconds: 10)
                return starts(run) > before
            }
        }
    }
}
