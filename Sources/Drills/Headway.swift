// Ends a load in which nothing is settled any more: a write that nobody answers is counted when its client gives up, too.
import Operations
import Platform

struct Headway {
    let patienceMilliseconds: Int64
    private var settled = 0
    private var since = Clock.monotonicMilliseconds()

    init(patienceMilliseconds: Int64) { self.patienceMilliseconds = patienceMilliseconds }

    mutating func check(_ tally: Ledger.Tally, now: Int64 = Clock.monotonicMilliseconds()) throws(Failure) {
        if tally.settled != settled { (settled, since) = (tally.settled, now) }
        guard now - since < patienceMilliseconds else {
            throw Failure("nothing was answered, or with errors only, for \(patienceMilliseconds / 1000) s")
        }
    }
}
