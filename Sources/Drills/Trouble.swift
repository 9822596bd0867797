// What goes wrong during a drill, as one kind of trouble each: asked again and again what to do now.
import Operations
import Platform

protocol Trouble {
    /// Not over yet: the clients must go on.
    var isBusy: Bool { get }
    mutating func tick(_ stage: Stage) throws
}

/// Blows at random victims at regular times.
struct Blows: Trouble {
    enum Choice {
        /// All kinds of ends, and lost disks now and then.
        case mixed
        case lostDisks
        case pauses(milliseconds: Int64)
    }

    /// A Java broker takes many seconds to start; hit as often as the others it would never be there.
    private static let brokerEveryMillisecondsMin: Int64 = 60_000
    private static let brokerFirstMilliseconds: Int64 = 20_000

    /// So many may be away at once: with everybody down all the time nothing would happen that could go wrong.
    private static let awayMax = 2

    let choice: Choice
    private var next: Int64 = 0
    private var brokerNext: Int64 = 0
    private(set) var isBusy = false
    private var began: Int64 = 0

    init(choice: Choice) { self.choice = choice }

    mutating func tick(_ stage: Stage) throws {
        let now = Clock.monotonicMilliseconds()
        if began == 0 { began = now }
        isBusy = now - began < stage.plan.lastsMilliseconds || stage.crew.killCount < stage.plan.killsMin
        guard now >= next else { return }
        if brokerNext == 0 { brokerNext = now + Self.brokerFirstMilliseconds }
        let victims = stage.crew.instances.filter { stage.plan.victims.contains(Stage.service(of: $0)) }
        guard stage.crew.awayCount < min(Self.awayMax, max(1, victims.count - 1)) else { return }
        next = now + stage.plan.everyMilliseconds
        // Only who is well is hit: a process that never gets up proves nothing.
        let candidates = stage.crew.recovered().filter { instance in
            let service = Stage.service(of: instance)
            guard victims.contains(instance) else { return false }
            return service != Plan.broker || stage.plan.kafkaHome == nil || now >= brokerNext
        }
        guard let victim = stage.random.element(of: candidates) else { return }
        if Stage.service(of: victim) == Plan.broker { brokerNext = now + Self.brokerEveryMillisecondsMin }
        stage.crew.strike(victim, blow(victim, stage))
    }

    private func blow(_ victim: String, _ stage: Stage) -> Crew.Blow {
        let service = Stage.service(of: victim)
        let hasDisk = service != Plan.broker && service != LocalSystem.gateway
        switch choice {
        case .lostDisks: return .loseDisk
        case .pauses(let milliseconds): return .pause(milliseconds: milliseconds)
        case .mixed:
            switch stage.random.below(100) {
            case 0..<60: return .kill
            case 60..<75: return .terminate
            case 75..<93: return .pause(milliseconds: stage.random.number(in: 50...1_500))
            default: return hasDisk ? .loseDisk : .kill
            }
        }
    }
}

/// Everything is restarted in order, one after the other, each only when the last one is back.
struct Rolling: Trouble {
    private var waiting: String?
    private var rest: [String] = []
    private var rounds = 0
    private var notBefore: Int64 = 0
    var isBusy: Bool { rounds == 0 }

    mutating func tick(_ stage: Stage) throws {
        let now = Clock.monotonicMilliseconds()
        if let instance = waiting {
            guard stage.crew.isWell(instance) else { return }
            waiting = nil
            notBefore = now + stage.plan.everyMilliseconds
            if rest.isEmpty {
                rounds += 1
                stage.tell("  round \(rounds): everything was restarted once more, after \(stage.elapsed)")
            }
        }
        guard now >= notBefore else { return }
        if rest.isEmpty { rest = stage.crew.instances }
        let next = rest.removeFirst()
        guard stage.crew.isWell(next) else {
            rest.insert(next, at: 0)
            return
        }
        stage.crew.strike(next, .terminate)
        waiting = next
    }
}

/// From one process a service to four, and down to two, while clients are at work.
struct Scaling: Trouble {
    private enum Phase { case one, growing, four, two }
    private var phase = Phase.one
    private var since: Int64 = 0
    private static let fourMilliseconds: Int64 = 8_000
    private static let twoMilliseconds: Int64 = 8_000
    private var isDone = false
    var isBusy: Bool { !isDone }

    mutating func tick(_ stage: Stage) throws {
        let now = Clock.monotonicMilliseconds()
        switch phase {
        case .one:
            guard stage.ledger.units * 5 >= stage.plan.units else { return }
            let replicas = stage.system.services.map { "\($0.contract.name)=4" }.joined(separator: ",")
            let known = Set(stage.crew.instances)
            for program in try stage.programs(replicas) where !known.contains(program.instance) {
                try stage.crew.add(program)
            }
            stage.tell("  four processes a service from \(stage.elapsed) on")
            phase = .growing
        case .growing:
            guard stage.crew.isAllReady else { return }
            stage.tell("  all of them are ready after \(stage.elapsed)")
            phase = .four
            since = now
        case .four:
            guard now - since >= Self.fourMilliseconds else { return }
            for instance in stage.crew.instances where instance.hasSuffix("-2") || instance.hasSuffix("-3") {
                stage.crew.retire(instance)
            }
            stage.tell("  two processes a service from \(stage.elapsed) on")
            phase = .two
            since = now
        case .two: if now - since >= Self.twoMilliseconds && stage.crew.isAllReady { isDone = true }
        }
    }
}

/// Nobody is hurt; the topics are full of garbage.
struct Peace: Trouble {
    var isBusy: Bool { false }
    mutating func tick(_ stage: Stage) throws {}
}
