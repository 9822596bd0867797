// The life of a supervisor, from taking the lock to stopping the last process.
import Glibc
import Platform
import Wire

struct Supervision {
    private let call: Invocation
    private let run: RunDirectory
    private let replicas: Replicas
    private let style: Style

    init(_ call: Invocation, _ run: RunDirectory, replicas: Replicas) {
        self.call = call
        self.run = run
        self.replicas = replicas
        style = Style(settings: call.settings)
    }

    /// Tells of progress line by line, calls `ready` once, and returns when everything has been stopped again. False when
    /// another supervisor was first, and nothing was done.
    func run(tell: (String) -> Void, ready: () -> Void) throws -> Bool {
        guard let lock = try SupervisorLock(run) else { return false }
        // Held as long as this function runs.
        defer { withExtendedLifetime(lock) {} }
        try Log.start(settings: call.settings, context: ["service": "supervisor", "instance": "supervisor-0"])
        let started = Clock.monotonicMilliseconds()
        let told = try UpSettings(call.settings)
        for instance in Leftovers.end(run) { tell("  ended \(instance), left over by a supervisor that was killed") }

        let choice = try BrokerChoice(call.settings)
        let executable = try Executable.path()
        let (broker, address) = try choice.program(run: run, executable: executable, settings: call.settings)
        let bootstrap = call.settings.text("KAFKA_BOOTSTRAP") ?? address.description
        let local = LocalSystem(
            call.system, run: run, executable: executable, settings: call.settings, bootstrap: bootstrap)
        // Ports are looked at before anything is started, so that a taken one leaves nothing to clean up.
        let programs = try local.programs(replicas)
        let supervisor = try Supervisor(
            run: run, executable: executable, settings: call.settings,
            description: [
                "system": .string(call.system.contract.name), "broker": .string(choice.name),
                "bootstrap": .string(bootstrap),
            ])
        do {
            tell(style.strong(call.system.contract.title) + style.faint(" on \(choice.name), state in \(run.path)"))
            let deadline = started + told.patienceMilliseconds
            if let broker {
                try supervisor.add(broker)
                try supervisor.awaitReady(deadline: deadline) { tell(line($0)) }
            }
            try FileSystem.replace(run.bootstrapFile, with: bootstrap + "\n")
            tell(try createTopics(bootstrap, supervisor, deadline: deadline, tell))
            for program in programs { try supervisor.add(program) }
            // On a Kafka of others there may be workers of others, with shards of their own.
            let shards = broker == nil ? 0 : Int64(try TopicSettings(call.settings).shards)
            try supervisor.awaitReady(shards: shards, deadline: deadline) { tell(line($0)) }
            try supervisor.noteThatAllIsUp()
        } catch {
            supervisor.stop { _ in }
            throw error
        }
        tell("Ready in \(Readable.duration(milliseconds: Clock.monotonicMilliseconds() - started)). Try:")
        for line in invitations(programs) { tell("  " + style.name(line)) }
        ready()
        while !supervisor.isAskedToStop && (told.owner == 0 || ProcessFacts(told.owner).isAlive) {
            supervisor.turn(milliseconds: 1_000)
        }
        supervisor.stop { tell("  " + $0) }
        return true
    }

    private func line(_ progress: Supervisor.Progress) -> String {
        switch progress {
        case .ready(let program, let milliseconds):
            let duration = Readable.duration(milliseconds: milliseconds).padded(to: 8, left: true)
            return "  " + style.good("ready") + "  \(program.instance.padded(to: 16)) \(duration)  \(program.place)"
        case .ended(let program, let status, let lastWords):
            let words = lastWords.map { "\n         " + style.faint($0) } ?? ""
            return "  " + style.bad("ended")
                + "  \(program.instance.padded(to: 16)) it \(status), and is started again\(words)"
        }
    }

    private func createTopics(
        _ bootstrap: String, _ supervisor: Supervisor, deadline: Int64, _ tell: (String) -> Void
    ) throws -> String {
        let started = Clock.monotonicMilliseconds()
        var isTold = false
        let creation = try TopicCreation(call.system.contract, settings: call.settings, bootstrap: bootstrap)
        let result = try creation.run { problem in
            if !isTold { tell("  waiting for Kafka at \(bootstrap): \(problem)") }
            isTold = true
            supervisor.turn(milliseconds: 0)
            if supervisor.isAskedToStop { throw Failure("stopped by a signal before everything was ready") }
            if Clock.monotonicMilliseconds() > deadline {
                throw Failure("Kafka at \(bootstrap) does not answer in time: \(problem)")
            }
        }
        let duration = Readable.duration(milliseconds: Clock.monotonicMilliseconds() - started)
        return "  " + style.good("ready")
            + "  \("topics".padded(to: 16)) \(duration.padded(to: 8, left: true))  \(result)"
    }

    private func invitations(_ programs: [Program]) -> [String] {
        let gateway = programs.first { $0.tier == .gateway }?.place ?? ""
        let collection = call.system.contract.services.lazy.flatMap(\.resources).first?.collectionPath ?? "/"
        let here = run.option(call.settings)
        return [
            "curl \(gateway)\(collection)", "\(call.system.executable) demo\(here)",
            "\(call.system.executable) watch --from-beginning\(here)",
        ]
    }
}
