// A process started by a test. It ends with the test process, even when that is killed.
import Foundation
import Synchronization
import TestSupport

final class Child: @unchecked Sendable {  // used by one test at a time; the exit status is behind a mutex
    let pid: pid_t
    let logPath: String
    private let status = Mutex<Int32?>(nil)

    /// A program built beside the tests, or an absolute path.
    init(_ program: String, _ arguments: [String], environment: [String: String], log: String) throws {
        logPath = log
        let path = program.hasPrefix("/") ? program : Child.directory + "/" + program
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var settings = ProcessInfo.processInfo.environment
        settings.merge(environment) { $1 }
        let variables: [UnsafeMutablePointer<CChar>?] = settings.map { strdup("\($0)=\($1)") } + [nil]
        let words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for pointer in variables + words { free(pointer) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, path, &actions, nil, words, variables)
        guard failure == 0 else { throw Failed("cannot start \(path): \(String(cString: strerror(failure)))") }
        self.pid = pid
        Leash.shared.hold(pid)
    }

    deinit { kill() }

    func signal(_ number: Int32) { if exitStatus == nil { _ = Foundation.kill(pid, number) } }

    /// SIGKILL, and gone when it returns.
    func kill() {
        signal(SIGKILL)
        _ = try? waitForExit(seconds: 10)
    }

    /// The status, or -signal; nil while it runs.
    var exitStatus: Int32? {
        status.withLock { known in
            if let known { return known }
            var raw: Int32 = 0
            guard waitpid(pid, &raw, WNOHANG) == pid else { return nil }
            Leash.shared.release(pid)
            known = raw & 0x7f == 0 ? (raw >> 8) & 0xff : -(raw & 0x7f)
            return known
        }
    }

    @discardableResult
    func waitForExit(seconds: Double = 30) throws -> Int32 {
        try eventually(timeout: seconds, "the end of process \(pid), see \(logPath)", every: 5) { exitStatus }
    }

    /// Everything it has logged, and what processes with the same log did before it.
    var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    private static let directory: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        // SwiftPM puts the test bundle beside the products.
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }()
}

/// Kills what is still running when the test process is gone: a shell that waits for the end of its input.
private final class Leash: Sendable {
    static let shared = Leash()
    private let input: Mutex<FileHandle?>

    private init() {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = [
            "-c",
            "declare -A held; while read -r word pid; do case $word in hold) held[$pid]=1;; "
                + "*) unset \"held[$pid]\";; esac; done; for pid in \"${!held[@]}\"; do kill -9 \"$pid\"; done",
        ]
        process.standardInput = pipe
        _ = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        input = Mutex((try? process.run()).map { pipe.fileHandleForWriting })
    }

    func hold(_ pid: pid_t) { write("hold \(pid)\n") }
    func release(_ pid: pid_t) { write("release \(pid)\n") }
    private func write(_ line: String) { input.withLock { try? $0?.write(contentsOf: Data(line.utf8)) } }
}
