// No process outlives the test process that started it, even one that is killed.
public import Foundation
import Synchronization

/// A shell beside the test process that waits for the end of its input, which only that process can write to, and then
/// kills what is still held. It also ends a test process whose own parent, `swift test`, is gone.
public final class Leash: Sendable {
    public static let shared = Leash()
    private let input: Mutex<FileHandle?>

    private init() {
        let shell = Process()
        let pipe = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/usr/bin/setsid")
        shell.arguments = ["/bin/bash", "-c", Leash.script, "leash", String(getpid()), String(getppid())]
        shell.standardInput = pipe
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = FileHandle.nullDevice
        _ = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        input = Mutex((try? shell.run()).map { pipe.fileHandleForWriting })
    }

    public func hold(_ pid: pid_t) { write("hold \(pid)\n") }
    public func release(_ pid: pid_t) { write("release \(pid)\n") }
    private func write(_ line: String) { input.withLock { try? $0?.write(contentsOf: Data(line.utf8)) } }

    /// In a session of its own, so that a signal to the group of the tests does not end it with them.
    private static let script = """
        declare -A held
        while true; do
            if read -r -t 1 word pid; then
                if [ "$word" = hold ]; then held[$pid]=1; else unset "held[$pid]"; fi
            elif [ $? -le 128 ]; then
                break
            elif ! grep -qx "PPid:[[:space:]]*$2" "/proc/$1/status"; then
                kill -9 "$1"
            fi
        done
        for pid in "${!held[@]}"; do kill -9 "$pid"; done
        """
}

extension Process {
    /// Starts it, and kills it when the test process ends before it.
    public func runLeashed() throws {
        terminationHandler = { Leash.shared.release($0.processIdentifier) }
        try run()
        Leash.shared.hold(processIdentifier)
        // What ended before it was held has released itself too early.
        if !isRunning { Leash.shared.release(processIdentifier) }
    }
}
