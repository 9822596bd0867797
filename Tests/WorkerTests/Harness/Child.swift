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
