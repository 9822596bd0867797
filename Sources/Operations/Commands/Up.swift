// `up`: everything on this machine, supervised, in the foreground or behind it.
import Glibc
package import Platform

enum Up {
    static let runDirOption = Command.Option.value("run-dir", "DIR", "where state, logs and pids live (default .run)")
    private static let replicasOption = Command.Option.value(
        "replicas", "NAME=N,…", "how many processes of a service (default 1 each)")

    static let command = Command(
        name: "up", summary: "Start the broker, the topics, all services and the gateway, and keep them running",
        options: [.flag("detach", "return when everything is ready"), replicasOption, runDirOption],
        example: "up --detach --replicas order=2", run: run)

    /// What `--detach` leaves behind.
    static let background = Command(
        name: "supervise", summary: "The supervisor behind up --detach", options: [replicasOption, runDirOption],
        example: "supervise --run-dir .run", isHidden: true, run: superviseBehind)

    private static func run(_ call: Invocation) throws -> Int32 {
        // A mistake in the arguments or the settings should be told here, not in a log, whatever runs.
        let replicas = try replicas(call)
        try SettingsCheck.everything(call.system, call.settings)
        let run = RunDirectory(call)
        try run.prepare()
        if SupervisorLock.holder(run) != nil { return try join(call, run, replicas) }
        if call.has("detach") { return try detach(call, run, replicas) }
        let style = Style(settings: call.settings)
        let wasFirst = try Supervision(call, run, replicas: replicas).run(
            tell: { Terminal.tell($0) }, ready: { Terminal.tell(style.faint("Ctrl-C stops everything.")) })
        return wasFirst ? 0 : try join(call, run, replicas)
    }

    static func replicas(_ call: Invocation) throws(UsageError) -> Replicas {
        try Replicas(call.value("replicas"), known: names(call.system))
    }

    /// Another supervisor has the directory: waits until what it starts is up.
    private static func join(_ call: Invocation, _ run: RunDirectory, _ replicas: Replicas) throws -> Int32 {
        let name = call.system.contract.name
        // It gives itself so long, and then stops what it has started.
        let patience = try UpSettings(call.settings).patienceMilliseconds + Down.patienceMilliseconds
        let deadline = Clock.monotonicMilliseconds() + patience
        var isTold = false
        while let supervisor = SupervisorLock.holder(run) {
            if let running = RunningSystem(run), running.isUp { return alreadyRunning(call, run, running, replicas) }
            if !isTold { Terminal.print("\(name) starts or stops just now in \(run.path) (supervisor \(supervisor))") }
            isTold = true
            if Clock.monotonicMilliseconds() > deadline { throw Failure("it is not ready in time") }
            usleep(20_000)
        }
        throw Failure("it has stopped, or did not get ready: \(run.logFile("supervisor-0")) says why")
    }

    private static func alreadyRunning(
        _ call: Invocation, _ run: RunDirectory, _ running: RunningSystem, _ replicas: Replicas
    ) -> Int32 {
        Terminal.print(
            "\(call.system.contract.name) is already running in \(run.path) (supervisor \(running.supervisor)).")
        for instance in running.instances where !instance.place.isEmpty {
            Terminal.print("  \(instance.name)  \(instance.place)")
        }
        guard call.value("replicas") != nil else { return 0 }
        let others = replicas.differences(from: running.instances.map(\.name), of: names(call.system))
        guard !others.isEmpty else { return 0 }
        Terminal.complain(
            "--replicas was not applied, there is already \(others.joined(separator: ", ")): "
                + "'\(call.system.executable) down\(run.option(call.settings))' first")
        return 1
    }

    private static func names(_ system: SystemDescription) -> [String] {
        system.services.map(\.contract.name) + [LocalSystem.gateway]
    }

    // MARK: - Behind

    /// The last byte of the progress: everything is ready.
    private static let endOfProgress: UInt8 = 4
    /// The exit status of a supervisor that another one has forestalled: its caller waits for that one.
    private static let forestalled: Int32 = 3

    private static func detach(_ call: Invocation, _ run: RunDirectory, _ replicas: Replicas) throws -> Int32 {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw SystemError("make", "a pipe") }
        // The supervisor gets one end as its standard output and must not keep another open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var arguments = ["supervise", "--run-dir", run.path]
        if let replicas = call.value("replicas") { arguments += ["--replicas", replicas] }
        let pid = try ChildProcess.spawn(
            try Executable.path(), arguments, environment: call.settings.all, logFile: run.logFile("supervisor-0"),
            output: ends[1], ownGroup: false)
        close(ends[1])
        defer { close(ends[0]) }
        var last: UInt8 = 0
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe read(ends[0], &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            last = piece[count - 1]
            let text = piece[..<count].filter { $0 != endOfProgress }
            Terminal.write(String(decoding: text, as: UTF8.self), to: STDOUT_FILENO)
        }
        if last == endOfProgress { return 0 }
        var raw: Int32 = 0
        while unsafe waitpid(pid, &raw, 0) < 0 && errno == EINTR {}
        let status = ExitStatus(raw: raw).code
        return status == forestalled ? try join(call, run, replicas) : max(1, status ?? 1)
    }

    private static func superviseBehind(_ call: Invocation) throws -> Int32 {
        // Away from the terminal: its hang-up is no reason to stop. And away from whatever the caller had open, or
        // somebody would wait for this process to let go of it.
        setsid()
        for descriptor in FileSystem.list("/proc/self/fd").compactMap({ Int32($0) }) where descriptor > STDERR_FILENO {
            close(descriptor)
        }
        let run = RunDirectory(call)
        try run.prepare()
        do {
            let wasFirst = try Supervision(call, run, replicas: replicas(call)).run(
                tell: { Terminal.tell($0) },
                ready: {
                    _ = FileSystem.writeAll([endOfProgress], to: STDOUT_FILENO)
                    // From here on there is nobody to read progress; standard error is the log file already.
                    dup2(STDERR_FILENO, STDOUT_FILENO)
                })
            return wasFirst ? 0 : forestalled
        } catch {
            // The caller reads standard output; the log keeps a copy.
            Terminal.print("\(call.system.executable) up: \(error)")
            throw error
        }
    }
}

/// This program's own file.
package enum Executable {
    package static func path() throws(SystemError) -> String {
        guard let path = Port.link("/proc/self/exe") else { throw SystemError("find", "this program's own file") }
        return path
    }
}
