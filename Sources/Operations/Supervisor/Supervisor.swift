// Keeps the processes of a system alive: starts them, starts again what ends, stops them in order.
import Glibc
import Platform
import Wire

/// Single-threaded: everything happens in `turn`, between two waits for a signal.
final class Supervisor {
    static let killAfterMilliseconds: Int64 = 15_000
    static let probeEveryMilliseconds: Int64 = 1_000
    /// Failed probes in a row that end a process, as the kubelet counts them.
    static let probeFailuresMax = 3

    private struct Child {
        let program: Program
        var pid: pid_t?
        var startedMonotonic: Int64 = 0
        var startedWall: Int64 = 0
        var restarts = 0
        var backoff: Backoff
        /// When to start it again.
        var due: Int64 = 0
        var lastStatus: ExitStatus?
        var isReady = false
        var failedProbes = 0
        /// Where its log began when this supervisor started it first: what is before that others have written.
        let logStart: Int64
        /// Ends that the person who waits for it has been told of.
        var endsTold = 0
    }

    private let run: RunDirectory
    private let executable: String
    private let environment: [String: String]
    private let description: JSONObject
    private var isUp = false
    private let healthyMilliseconds: Int64
    private var logs: LogRotation
    private var children: [Child] = []
    private var signals = Signals(blocking: [SIGTERM, SIGINT, SIGHUP, SIGCHLD])
    private var nextProbe: Int64 = 0
    private(set) var isAskedToStop = false

    /// `executable` is this program's own file; `description` is what the status file says about the whole system.
    init(run: RunDirectory, executable: String, settings: Settings, description: JSONObject) throws(SettingsError) {
        self.run = run
        self.executable = executable
        self.environment = settings.all
        self.description = description
        healthyMilliseconds = try Backoff(settings).healthyMilliseconds
        logs = try LogRotation(settings: settings)
    }

    // MARK: - Starting

    func add(_ program: Program) throws(SystemError) {
        children.append(
            Child(
                program: program, backoff: Backoff(healthyMilliseconds: healthyMilliseconds),
                logStart: FileSystem.size(run.logFile(program.instance))))
        try start(children.count - 1)
        try note(children.count - 1)
    }

    private func start(_ place: Int) throws(SystemError) {
        let program = children[place].program
        let variables = environment.merging(program.environment) { _, new in new }
            .merging(["RUN_DIR": run.path, "INSTANCE": program.instance]) { _, new in new }
        let pid = try ChildProcess.spawn(
            executable, ["supervised", "\(getpid())", program.executable] + program.arguments,
            environment: variables, logFile: run.logFile(program.instance))
        children[place].pid = pid
        children[place].startedMonotonic = Clock.monotonicMilliseconds()
        children[place].startedWall = Clock.wallMilliseconds()
        children[place].isReady = false
        children[place].failedProbes = 0
    }

    /// Writes down which process it is, for the commands beside it and for a supervisor after this one.
    private func note(_ place: Int) throws(SystemError) {
        if let pid = children[place].pid {
            try FileSystem.replace(run.pidFile(children[place].program.instance), with: "\(pid)\n")
        }
        try writeStatus()
    }

    // MARK: - Watching

    /// Waits for something to happen, at most so long, and deals with it.
    func turn(milliseconds: Int64) {
        let now = Clock.monotonicMilliseconds()
        let nextStart = children.filter { $0.pid == nil }.map { max(0, $0.due - now) }.min() ?? milliseconds
        switch signals.wait(milliseconds: min(milliseconds, nextStart)) {
        case SIGTERM, SIGINT, SIGHUP: isAskedToStop = true
        default: break
        }
        reap()
        if !isAskedToStop {
            startAgain()
            probe()
        }
        logs.rotate(children.map { run.logFile($0.program.instance) })
    }

    private func reap() {
        while let (pid, status) = ExitStatus.next() {
            guard let place = children.firstIndex(where: { $0.pid == pid }) else { continue }
            let now = Clock.monotonicMilliseconds()
            let delay = children[place].backoff.delay(afterLiving: now - children[place].startedMonotonic)
            children[place].pid = nil
            children[place].due = now + delay
            children[place].lastStatus = status
            FileSystem.remove(run.pidFile(children[place].program.instance))
            if !isAskedToStop {
                Log.warning(
                    "a process ended and is started again",
                    [
                        "process": LogValue(children[place].program.instance), "end": LogValue(status.description),
                        "delayMilliseconds": LogValue(delay),
                    ])
            }
        }
    }

    /// What goes wrong here (a full disk, no memory for a process) passes: it must not end the others.
    private func startAgain() {
        let now = Clock.monotonicMilliseconds()
        for place in children.indices where children[place].pid == nil && children[place].due <= now {
            children[place].restarts += 1
            do {
                try start(place)
            } catch {
                children[place].due = now + children[place].backoff.delay(afterLiving: 0)
                warn("a process could not be started", place, error)
                continue
            }
            do { try note(place) } catch { warn("a process was started but not written down", place, error) }
        }
    }

    private func warn(_ what: String, _ place: Int, _ problem: SystemError) {
        let instance = children[place].program.instance
        Log.warning(what, ["process": LogValue(instance), "problem": LogValue(problem.description)])
    }

    /// Ends what says of itself that it is not well; one that does not answer at all is its own watchdog's business.
    private func probe() {
        let now = Clock.monotonicMilliseconds()
        guard now >= nextProbe else { return }
        nextProbe = now + Self.probeEveryMilliseconds
        for place in children.indices where children[place].pid != nil {
            guard let address = children[place].program.liveness, becameReady(place),
                let answer = HTTPClient(address: address, timeoutMilliseconds: 500).send("GET", ZombieSwitch.probePath)
            else { continue }
            children[place].failedProbes = answer.status < 500 ? 0 : children[place].failedProbes + 1
            guard children[place].failedProbes >= Self.probeFailuresMax else { continue }
            Log.warning(
                "a process fails its liveness probe and is ended",
                ["process": LogValue(children[place].program.instance), "status": LogValue(answer.status)])
            send(SIGTERM, place)
        }
    }

    /// A process that is still starting fails no probe. One that was started again becomes ready here.
    private func becameReady(_ place: Int) -> Bool {
        let child = children[place]
        if !child.isReady {
            children[place].isReady =
                child.program.obstacle(startedAtWallMilliseconds: child.startedWall) == nil
        }
        return children[place].isReady
    }

    // MARK: - Readiness

    /// What is told to the person who waits.
    enum Progress {
        case ready(Program, milliseconds: Int64)
        case ended(Program, ExitStatus, lastWords: String?)
    }

    /// Watches until these are ready, each by itself and all shards of each service, and tells of it as it happens. Throws
    /// when time is up, or when one of them ends for a reason that another start will not mend.
    func awaitReady(shards: Int64 = 0, deadline: Int64, report: (Progress) -> Void) throws(Failure) {
        while !isAskedToStop {
            tellOfEnds(report)
            for place in children.indices where !children[place].isReady {
                if children[place].lastStatus?.isConfigurationError == true {
                    throw failure(place, "cannot run with this configuration")
                }
                guard children[place].pid != nil,
                    children[place].program.obstacle(startedAtWallMilliseconds: children[place].startedWall) == nil
                else { continue }
                children[place].isReady = true
                let milliseconds = Clock.monotonicMilliseconds() - children[place].startedMonotonic
                report(.ready(children[place].program, milliseconds: milliseconds))
            }
            let late = children.firstIndex(where: { !$0.isReady })
            let orphaned = late == nil ? serviceWithFewerShards(than: shards) : nil
            if late == nil && orphaned == nil { return }
            if Clock.monotonicMilliseconds() > deadline {
                if let late { throw failure(late, "is not ready in time") }
                throw Failure("not all of the \(shards) shards of \(orphaned ?? "") have an owner in time")
            }
            turn(milliseconds: 10)
        }
        throw Failure("stopped by a signal before everything was ready")
    }

    /// Each end once, with what the process said last: one that ends again and again shows why.
    private func tellOfEnds(_ report: (Progress) -> Void) {
        for place in children.indices where children[place].restarts > children[place].endsTold {
            children[place].endsTold = children[place].restarts
            guard let status = children[place].lastStatus else { continue }
            report(.ended(children[place].program, status, lastWords: lastWords(place, lines: 1).first))
        }
    }

    /// A member that is gone for good keeps its shards for as long as its session: until then somebody would wait in vain.
    private func serviceWithFewerShards(than shards: Int64) -> String? {
        var owned: [String: Int64] = [:]
        for child in children {
            guard case .heartbeat(let path) = child.program.readiness else { continue }
            owned[child.program.service, default: 0] += Heartbeat(path: path)?.shards ?? 0
        }
        return owned.first { $0.value < shards }?.key
    }

    private func lastWords(_ place: Int, lines: Int) -> [String] {
        FileSystem.tail(run.logFile(children[place].program.instance), lines: lines, after: children[place].logStart)
    }

    private func failure(_ place: Int, _ what: String) -> Failure {
        let child = children[place]
        let log = run.logFile(child.program.instance)
        var text = "\(child.program.instance) \(what)"
        if let status = child.lastStatus {
            text += ": it \(status)"
        } else if let obstacle = child.program.obstacle(startedAtWallMilliseconds: child.startedWall) {
            text += ": \(obstacle)"
        }
        text += "\n  \(log) ends with:"
        for line in lastWords(place, lines: 5) { text += "\n  " + line }
        return Failure(text)
    }

    /// For those who wait for it, as another `up` does.
    func noteThatAllIsUp() throws(SystemError) {
        isUp = true
        try writeStatus()
    }

    // MARK: - Stopping

    /// From the edge inwards, each tier together; what does not end in time is killed.
    func stop(report: (String) -> Void) {
        isAskedToStop = true
        // From here on nobody should take it for a system that runs.
        FileSystem.remove(run.statusFile)
        for tier in Program.Tier.allCases {
            let own = children.indices.filter { children[$0].program.tier == tier && children[$0].pid != nil }
            let started = Clock.monotonicMilliseconds()
            for place in own { send(SIGTERM, place) }
            while own.contains(where: { children[$0].pid != nil }) {
                if Clock.monotonicMilliseconds() - started > Self.killAfterMilliseconds {
                    for place in own where children[place].pid != nil {
                        report("\(children[place].program.instance) did not stop and was killed")
                        send(SIGKILL, place)
                    }
                }
                _ = signals.wait(milliseconds: 100)
                reap()
            }
            for place in own { report("\(children[place].program.instance) stopped") }
        }
    }

    private func send(_ signal: Int32, _ place: Int) {
        if let pid = children[place].pid { kill(pid, signal) }
    }

    // MARK: - Status

    private func writeStatus() throws(SystemError) {
        var status = description
        status.append("supervisor", .integer(Int64(getpid())))
        status.append("up", .bool(isUp))
        status.append(
            "instances",
            .array(
                children.map { child in
                    [
                        "instance": .string(child.program.instance), "pid": JSON(child.pid.map(Int64.init)),
                        "restarts": .integer(Int64(child.restarts)), "place": .string(child.program.place),
                    ]
                }))
        try FileSystem.replace(run.statusFile, with: status.text + "\n")
    }
}
