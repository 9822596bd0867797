// The processes of a drill's private system: started, hurt on purpose, started again at once.
import Glibc
import Operations
import Platform

/// Belongs to one thread, which must live as long as the processes: the kernel ends them with it.
final class Crew {
    enum Blow: Sendable {
        case kill, terminate
        case pause(milliseconds: Int64)
        /// Killed, and all its shard files are gone before it comes back.
        case loseDisk
    }

    private struct Member {
        let program: Program
        var pid: pid_t?
        var startedWall: Int64 = 0
        var isReady = false
        var lookedAt: Int64 = 0
        /// When it was hit last, how long that kept it away, and since when it is well again.
        var hitAt: Int64 = 0
        var awayMilliseconds: Int64 = 0
        var wellSince: Int64 = 0
        /// When a paused one goes on.
        var resumes: Int64?
        var losesDisk = false
        /// Not started again.
        var isRetired = false
        var starts = 0
        /// When it is started again.
        var due: Int64 = 0
    }

    private static let peaceMillisecondsMax: Int64 = 10_000
    private static let lookEveryMilliseconds: Int64 = 100
    /// Between an end and the next start; longer for who did not live long.
    private static let restartMilliseconds: Int64 = 50
    private static let restartMillisecondsAfterShortLife: Int64 = 500
    private static let shortLifeMilliseconds: Int64 = 1_000

    private let run: RunDirectory
    private let executable: String
    private let environment: [String: String]
    private var members: [Member] = []
    private(set) var blowsByKind: [String: Int] = [:]

    init(run: RunDirectory, executable: String, environment: [String: String]) {
        self.run = run
        self.executable = executable
        self.environment = environment
    }

    /// Processes that were ended, not only stopped for a while.
    private(set) var killCount = 0
    var blowCount: Int { blowsByKind.values.reduce(0, +) }
    var restartCount: Int { members.reduce(0) { $0 + max(0, $1.starts - 1) } }
    var instances: [String] { members.filter { !$0.isRetired }.map(\.program.instance) }
    var isAllReady: Bool { members.allSatisfy { $0.isRetired ? $0.pid == nil : $0.isReady && $0.resumes == nil } }
    var awayCount: Int { members.count { !$0.isRetired && !isWell($0) } }
    /// Who has been well for as long as the last blow kept it away: without a moment's peace nothing would be done that
    /// could go wrong, and clients would only learn what a deadline is.
    func recovered() -> [String] {
        let now = Clock.monotonicMilliseconds()
        return members.filter {
            isWell($0) && now - $0.wellSince >= min($0.awayMilliseconds, Self.peaceMillisecondsMax)
        }.map(\.program.instance)
    }
    func isWell(_ instance: String) -> Bool { member(instance).map { isWell(members[$0]) } ?? false }
    private func isWell(_ member: Member) -> Bool { member.isReady && member.resumes == nil && !member.isRetired }
    private func member(_ instance: String) -> Int? { members.firstIndex { $0.program.instance == instance } }

    // MARK: - Life

    func add(_ program: Program) throws {
        if let place = member(program.instance) {
            members[place].isRetired = false
            if members[place].pid == nil { try start(place) }
            return
        }
        members.append(Member(program: program))
        try start(members.count - 1)
    }

    /// Asked to end, and not started again.
    func retire(_ instance: String) {
        guard let place = member(instance) else { return }
        members[place].isRetired = true
        send(SIGTERM, place)
    }

    private func start(_ place: Int) throws {
        let program = members[place].program
        let variables = environment.merging(program.environment) { _, new in new }
            .merging(["RUN_DIR": run.path, "INSTANCE": program.instance]) { _, new in new }
        members[place].startedWall = Clock.wallMilliseconds()
        members[place].pid = try ChildProcess.spawn(
            executable, ["supervised", "\(getpid())", program.executable] + program.arguments,
            environment: variables, logFile: run.logFile(program.instance))
        members[place].isReady = false
        members[place].starts += 1
    }

    /// Looks after everybody once.
    func turn() throws {
        let now = Clock.monotonicMilliseconds()
        for place in members.indices {
            if let resumes = members[place].resumes, now >= resumes {
                members[place].resumes = nil
                send(SIGCONT, place)
                isBack(place)
            }
            reap(place)
            if members[place].pid == nil && !members[place].isRetired && now >= members[place].due { try start(place) }
            if !members[place].isReady && members[place].resumes == nil
                && now - members[place].lookedAt >= Self.lookEveryMilliseconds
            {
                members[place].lookedAt = now
                members[place].isReady =
                    members[place].program.obstacle(startedAtWallMilliseconds: members[place].startedWall) == nil
                if members[place].isReady { isBack(place) }
            }
        }
    }

    private func isBack(_ place: Int) {
        let now = Clock.monotonicMilliseconds()
        members[place].wellSince = now
        // The first start was nobody's blow.
        if members[place].hitAt > 0 { members[place].awayMilliseconds = now - members[place].hitAt }
    }

    private func reap(_ place: Int) {
        guard let pid = members[place].pid else { return }
        var raw: Int32 = 0
        guard unsafe waitpid(pid, &raw, WNOHANG) == pid else { return }
        // It ended by itself, which is a blow, too.
        if members[place].isReady { members[place].hitAt = Clock.monotonicMilliseconds() }
        let isShort = Clock.wallMilliseconds() - members[place].startedWall < Self.shortLifeMilliseconds
        members[place].due =
            Clock.monotonicMilliseconds()
            + (isShort ? Self.restartMillisecondsAfterShortLife : Self.restartMilliseconds)
        members[place].pid = nil
        members[place].isReady = false
        members[place].resumes = nil
        if members[place].losesDisk {
            members[place].losesDisk = false
            FileSystem.removeTree(run.data(members[place].program.instance))
        }
    }

    func awaitReady(milliseconds: Int64) throws {
        let deadline = Clock.monotonicMilliseconds() + milliseconds
        while true {
            try turn()
            if isAllReady { return }
            guard Clock.monotonicMilliseconds() < deadline else { throw late() }
            Pause.milliseconds(20)
        }
    }

    private func late() -> Failure {
        let missing = members.filter { !$0.isReady && !$0.isRetired }
        var text = ""
        for member in missing {
            let obstacle = member.program.obstacle(startedAtWallMilliseconds: member.startedWall) ?? "ready just now"
            text += "\n  \(member.program.instance): \(obstacle), started \(member.starts) times; its log ends with:"
            for line in FileSystem.tail(run.logFile(member.program.instance), lines: 4) { text += "\n    " + line }
        }
        return Failure("not ready in time:" + text)
    }

    // MARK: - Harm

    func strike(_ instance: String, _ blow: Blow) {
        guard let place = member(instance), members[place].pid != nil else { return }
        members[place].hitAt = Clock.monotonicMilliseconds()
        let kind: String
        switch blow {
        case .kill:
            kind = "SIGKILL"
            send(SIGKILL, place)
        case .terminate:
            kind = "SIGTERM"
            send(SIGTERM, place)
        case .loseDisk:
            kind = "SIGKILL and files deleted"
            members[place].losesDisk = true
            send(SIGKILL, place)
        case .pause(let milliseconds):
            kind = "SIGSTOP, SIGCONT"
            send(SIGSTOP, place)
            members[place].resumes = Clock.monotonicMilliseconds() + milliseconds
        }
        blowsByKind[kind, default: 0] += 1
        if case .pause = blow { return }
        killCount += 1
        members[place].isReady = false
    }

    private func send(_ signal: Int32, _ place: Int) {
        if let pid = members[place].pid { Glibc.kill(pid, signal) }
    }

    // MARK: - End

    func resumeAll() {
        for place in members.indices where members[place].resumes != nil {
            members[place].resumes = nil
            send(SIGCONT, place)
        }
    }

    /// The gateways and the services end in order, so that their files are as new as the log; the broker stays.
    func stopAllButBroker() {
        stop { $0.tier != .broker }
    }

    func stopAll() {
        stop { $0.tier != .broker }
        stop { _ in true }
    }

    private static let stopMilliseconds: Int64 = 15_000

    private func stop(_ isChosen: (Program) -> Bool) {
        resumeAll()
        let chosen = members.indices.filter { isChosen(members[$0].program) }
        for place in chosen {
            members[place].isRetired = true
            send(SIGTERM, place)
        }
        let deadline = Clock.monotonicMilliseconds() + Self.stopMilliseconds
        while chosen.contains(where: { members[$0].pid != nil }) {
            for place in chosen {
                if Clock.monotonicMilliseconds() > deadline { send(SIGKILL, place) }
                reap(place)
            }
            Pause.milliseconds(10)
        }
    }
}
