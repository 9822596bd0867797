// What /proc tells about a process.
import Glibc
import Platform

struct ProcessFacts: Sendable {
    let pid: pid_t
    let isAlive: Bool
    /// Not swapped out, shared libraries included.
    let residentBytes: Int64
    let uptimeMilliseconds: Int64

    init(_ pid: pid_t) {
        self.pid = pid
        let fields = Self.statistics(pid)
        // A zombie has ended; only its parent has not looked yet.
        isAlive = fields.count > 21 && fields[0] != "Z" && fields[0] != "X"
        let ticks = fields.count > 21 ? Int64(fields[19]) ?? 0 : 0
        let pages = fields.count > 21 ? Int64(fields[21]) ?? 0 : 0
        residentBytes = pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
        let started = ticks * 1000 / Int64(sysconf(Int32(_SC_CLK_TCK)))
        uptimeMilliseconds = max(0, Self.machineUptimeMilliseconds() - started)
    }

    /// The fields of /proc/PID/stat after the name, which may itself hold spaces and parentheses.
    private static func statistics(_ pid: pid_t) -> [Substring] {
        guard let text = FileSystem.readText("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return [] }
        return text[text.index(after: end)...].split(separator: " ")
    }

    private static func machineUptimeMilliseconds() -> Int64 {
        guard let text = FileSystem.readText("/proc/uptime"), let seconds = Double(text.prefix { $0 != " " }) else {
            return 0
        }
        return Int64(seconds * 1000)
    }

    /// Whether a process was started by a supervisor of this run directory under this name. A pid alone proves
    /// nothing: it may by now belong to somebody else.
    static func runs(_ instance: String, of run: RunDirectory, pid: pid_t) -> Bool {
        guard let environment = FileSystem.read("/proc/\(pid)/environ") else { return false }
        let variables = Set(environment.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
        return variables.contains("RUN_DIR=\(run.path)") && variables.contains("INSTANCE=\(instance)")
            && ProcessFacts(pid).isAlive
    }

    /// The name of the program, for people.
    static func name(_ pid: pid_t) -> String? {
        FileSystem.readText("/proc/\(pid)/comm").map { String($0.prefix { $0 != "\n" }) }
    }
}
