// `down`: asks the supervisor to stop everything, and waits until it has.
import Glibc
import Platform

enum Down {
    /// Longer than a supervisor needs in the worst case: three tiers, each killed after its time.
    static let patienceMilliseconds: Int64 = 60_000

    static let command = Command(
        name: "down", summary: "Stop everything that up started; its state stays", options: [Up.runDirOption],
        example: "down", run: run)

    private static func run(_ call: Invocation) throws -> Int32 {
        let run = RunDirectory(call)
        guard let supervisor = SupervisorLock.holder(run) else {
            let ended = Leftovers.end(run)
            Terminal.print(
                ended.isEmpty
                    ? "nothing runs in \(run.path)"
                    : "ended \(ended.joined(separator: ", ")), left over by a supervisor that was killed")
            return 0
        }
        let started = Clock.monotonicMilliseconds()
        kill(supervisor, SIGTERM)
        while SupervisorLock.holder(run) == supervisor {
            if Clock.monotonicMilliseconds() - started > patienceMilliseconds {
                throw Failure(
                    "the supervisor (pid \(supervisor)) does not stop; its log is \(run.logFile("supervisor-0"))")
            }
            usleep(10_000)
        }
        let duration = Readable.duration(milliseconds: Clock.monotonicMilliseconds() - started)
        Terminal.print("stopped in \(duration); the state stays in \(run.path)")
        return 0
    }
}
