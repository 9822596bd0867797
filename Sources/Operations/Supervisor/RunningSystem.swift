// What the supervisor of a run directory says about its system, for the commands beside it.
import Glibc
import Platform
import Wire

struct RunningSystem: Sendable {
    struct Instance: Sendable {
        let name: String
        let pid: pid_t?
        let restarts: Int64
        let place: String
    }

    let supervisor: pid_t
    /// Whether everything was ready once, and nobody has asked it to stop.
    let isUp: Bool
    let broker: String
    let bootstrap: String
    let instances: [Instance]

    /// Nil when no supervisor is at work there, or it has not got far enough to say anything.
    init?(_ run: RunDirectory) {
        guard let holder = SupervisorLock.holder(run), let bytes = FileSystem.read(run.statusFile),
            // One that was killed has left its own behind.
            let status = try? JSON(parsing: bytes), status["supervisor"].integer == Int64(holder)
        else { return nil }
        supervisor = holder
        // A supervisor of a version before this one does not say.
        isUp = status["up"].bool ?? true
        broker = status["broker"].string ?? ""
        bootstrap = status["bootstrap"].string ?? ""
        instances = (status["instances"].array ?? []).map { instance in
            Instance(
                name: instance["instance"].string ?? "",
                pid: instance["pid"].integer.flatMap { pid_t(exactly: $0) },
                restarts: instance["restarts"].integer ?? 0, place: instance["place"].string ?? "")
        }
    }
}
