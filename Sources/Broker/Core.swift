// What every part of the broker shares: the time of this turn of the loop, timers, storage and who waits for data.
import Platform

final class Core {
    let settings: BrokerSettings
    let journal: Journal
    let catalog: Catalog
    private(set) var nowMilliseconds: Int64 = Clock.monotonicMilliseconds()
    private(set) var wallMilliseconds: Int64 = Clock.wallMilliseconds()
    private var timers = Timers()
    private var woken: [FetchWaiter] = []

    init(settings: BrokerSettings, journal: Journal, catalog: Catalog) {
        self.settings = settings
        self.journal = journal
        self.catalog = catalog
    }

    /// Begins a turn of the loop: everything in it happens at one time.
    func tick() {
        nowMilliseconds = Clock.monotonicMilliseconds()
        wallMilliseconds = Clock.wallMilliseconds()
    }

    func after(milliseconds: Int64, _ action: @escaping () -> Void) {
        timers.add(due: nowMilliseconds + max(0, milliseconds), action)
    }

    /// Runs what is due. What that sets for at once waits for the next turn: in between the requests are served.
    func runTimers() {
        for action in timers.takeDue(now: nowMilliseconds) { action() }
    }

    /// What was to be done later is what keeps the parts of a stopped broker alive.
    func forgetTimers() { timers = Timers() }

    /// How long the loop may sleep; -1 for as long as nothing happens.
    var sleepMilliseconds: Int32 {
        if !woken.isEmpty { return 0 }
        guard let next = timers.next else { return -1 }
        return Int32(clamping: max(0, next - Clock.monotonicMilliseconds()))
    }

    /// Notes that a partition has more to read; its waiting fetches are looked at after this turn of the loop.
    func grown(_ log: PartitionLog) {
        for waiter in log.waiters where !waiter.isWoken {
            waiter.isWoken = true
            woken.append(waiter)
        }
    }

    func serveWoken() {
        let waiters = woken
        woken = []
        for waiter in waiters {
            waiter.isWoken = false
            waiter.serve(deadlinePassed: false)
        }
    }

    /// Writes to the journal; false, with a line in the log, when the disk refuses.
    func record(_ kind: JournalKind, _ write: (inout ByteWriter) -> Void) -> Bool {
        do {
            try journal.append(kind, write)
            return true
        } catch {
            Log.error("journal not written", ["error": LogValue(error.description)])
            return false
        }
    }
}
