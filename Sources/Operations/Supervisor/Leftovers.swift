// Processes of an earlier supervisor that are still there although it is gone.
import Glibc
import Platform

enum Leftovers {
    private static let patienceMilliseconds: Int64 = 5_000

    /// Kills them, which any process of the system survives without loss, and forgets their pid files. Returns names.
    static func end(_ run: RunDirectory) -> [String] {
        var ended: [String] = []
        for instance in FileSystem.list(run.pidsFolder) {
            defer { FileSystem.remove(run.pidFile(instance)) }
            guard let pid = pid(of: instance, run), ProcessFacts.runs(instance, of: run, pid: pid) else { continue }
            kill(pid, SIGKILL)
            let deadline = Clock.monotonicMilliseconds() + patienceMilliseconds
            while ProcessFacts(pid).isAlive && Clock.monotonicMilliseconds() < deadline { usleep(5_000) }
            ended.append(instance)
        }
        return ended
    }

    static func pid(of instance: String, _ run: RunDirectory) -> pid_t? {
        FileSystem.readText(run.pidFile(instance)).flatMap { pid_t($0.prefix { $0.isNumber }) }
    }
}
