// What the thread of one client does from the beginning of the load to its end.
import Operations
import Platform
import Synchronization

/// Shared by the drill and its clients.
final class LoadSwitch: Sendable {
    /// Clients go on although enough is done: the trouble is not over yet.
    let isHeld = Atomic(false)
    let isOver = Atomic(false)
    /// Clients that have not come to their end.
    let working = Atomic(0)
}

struct ClientWork: Sendable {
    /// One write in so many is sent a second time.
    private static let oneRepeatIn = 12

    let scenario: any DrillScenario
    let ledger: Ledger
    let plan: Plan
    let number: Int
    let gateways: [Address]
    let started: Int64
    let load: LoadSwitch
    /// Of the client's name, where others may have drilled before.
    var prefix = ""

    func run() {
        var random = DrillRandom(seed: plan.seed, stream: UInt64(2 + number))
        let client = DrillClient(
            name: "\(prefix)c\(number)", ledger: ledger,
            connection: HTTPConnection(
                gateways, first: number, timeoutMilliseconds: DrillClient.attemptMilliseconds))
        while !load.isOver.load(ordering: .relaxed) {
            let done = ledger.units
            if done >= plan.units && !load.isHeld.load(ordering: .relaxed) { return }
            guard mayGoOn(done) else {
                Pause.milliseconds(5)
                continue
            }
            let units = scenario.perform(client, &random)
            if units > 0 { ledger.note { $0.units += units } }
            if random.below(Self.oneRepeatIn) == 0 { client.repeatOne(&random) }
        }
    }

    private func mayGoOn(_ done: Int) -> Bool {
        guard plan.rate > 0 else { return true }
        let elapsed = Clock.monotonicMilliseconds() - started
        return Int64(done) * 1_000 <= elapsed * Int64(plan.rate)
    }
}
