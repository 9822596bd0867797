// Where a system that runs on this machine keeps what belongs to it. Scripts rely on these places.
import Glibc
package import Platform

package struct RunDirectory: Sendable {
    package let path: String

    package init(_ path: String) { self.path = FileSystem.absolute(path) }

    /// `--run-dir`, else `RUN_DIR`, else `.run`.
    package init(_ call: Invocation) {
        self = call.value("run-dir").map { Self($0) } ?? Self.usual(call.settings)
    }

    private static func usual(_ settings: Settings) -> Self { Self(settings.text("RUN_DIR", default: ".run")) }

    /// What a command that somebody is told to type needs behind it, to find this directory.
    func option(_ settings: Settings) -> String { path == Self.usual(settings).path ? "" : " --run-dir \(path)" }

    /// host:port of the broker.
    package var bootstrapFile: String { path + "/bootstrap" }
    package var lockFile: String { path + "/lock" }
    /// What the supervisor knows of its processes.
    package var statusFile: String { path + "/status.json" }
    package var pidsFolder: String { path + "/pids" }
    package func pidFile(_ instance: String) -> String { pidsFolder + "/" + instance }
    package func logFile(_ instance: String) -> String { path + "/logs/\(instance).log" }
    package func data(_ instance: String) -> String { path + "/data/\(instance)" }
    package func healthFile(_ instance: String) -> String { data(instance) + "/health" }

    package func prepare() throws(SystemError) {
        for folder in [pidsFolder, path + "/logs", path + "/data"] { try FileSystem.makeDirectories(folder) }
    }

    /// The broker of the system that runs here.
    package var bootstrap: String? {
        FileSystem.readText(bootstrapFile).flatMap { $0.split(whereSeparator: \.isNewline).first.map(String.init) }
    }
}

/// One supervisor a run directory: whoever holds the lock. The kernel lets go of it with the process, however it ends.
final class SupervisorLock {
    private let file: Int32

    /// Nil when another process holds it.
    init?(_ run: RunDirectory) throws(SystemError) {
        file = unsafe open(run.lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw SystemError("open", run.lockFile) }
        // Whoever asks for the holder has the lock for a moment.
        var tries = 0
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            tries += 1
            if tries > 20 {
                close(file)
                return nil
            }
            usleep(5_000)
        }
        ftruncate(file, 0)
        _ = FileSystem.writeAll(Array("\(getpid())\n".utf8), to: file)
    }

    deinit { close(file) }

    /// The process that supervises this directory now.
    static func holder(_ run: RunDirectory) -> pid_t? {
        let file = unsafe open(run.lockFile, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        // Whoever has taken the lock needs a moment to write who it is.
        for _ in 0..<20 {
            if flock(file, LOCK_SH | LOCK_NB) == 0 { return nil }
            if let pid = FileSystem.readText(run.lockFile).flatMap({ pid_t($0.prefix { $0.isNumber }) }) { return pid }
            usleep(5_000)
        }
        return nil
    }
}
