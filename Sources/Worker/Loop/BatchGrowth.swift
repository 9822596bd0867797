// When a batch has grown enough. A transaction costs much the same for one record and for hundreds, so a moment's
// patience can make one of two or three.

struct BatchGrowth {
    /// Who waits for the batch's transaction: for rows alone nobody, for events and commands the policies of services and
    /// for rows that were asked for whoever will ask again, for replies callers.
    enum Audience { case nobody, others, callers }

    /// What is in the open batch, since when, and when the last of it came.
    private var records = 0
    private var bytes = 0
    private var openedAt: Int64 = 0
    private var grewAt: Int64 = 0
    /// The last transaction: its records, and those it will have called forth: a reply is mostly followed by the next
    /// request, and a message to this service comes back to it.
    private var lastRecords = 0
    private var expected = 0
    /// How long transactions take at the moment.
    private var transactionMilliseconds: Int64 = 0

    mutating func add(_ count: Int, bytes size: Int, now: Int64) {
        if records == 0 { openedAt = now }
        if count > 0 { grewAt = now }
        records += count
        bytes += size
    }

    mutating func commit(callingForth count: Int, milliseconds: Int64) {
        lastRecords = records
        expected = count
        transactionMilliseconds = (transactionMilliseconds * 3 + milliseconds) / 4
        records = 0
        bytes = 0
    }

    /// Milliseconds to wait for more. A lonely record's effects go at once. Under load there is always more to come, and
    /// waiting is measured by what a transaction takes: where no caller waits, twice as long, so that such transactions
    /// have a third of the worker's time; where callers wait, a third of it, and only for a crowd that is still coming in.
    func patience(for audience: Audience, lastCommit: Int64, now: Int64, _ limits: WorkerLimits) -> Int64 {
        guard records < limits.batchRecordsMax, bytes < limits.batchBytesMax else { return 0 }
        let linger = limits.lingerMilliseconds
        let long = min(2 * transactionMilliseconds, limits.lingerMillisecondsMax)
        let short = min(transactionMilliseconds / 3, limits.lingerMillisecondsMax)
        let isBusy = openedAt - lastCommit <= max(transactionMilliseconds, linger)
        let isLoaded = isBusy && lastRecords >= Self.fewRecords
        switch audience {
        case .nobody: return max(0, openedAt + max(linger, isLoaded ? long : 0) - now)
        case .others: return max(0, openedAt + (isLoaded ? long : 0) - now)
        case .callers:
            let isCrowd = isBusy && expected >= Self.fewRecords
            guard isCrowd, records < expected else { return 0 }
            return max(0, min(openedAt + max(linger, short), grewAt + max(Self.crowdGapMilliseconds, short)) - now)
        }
    }

    /// A crowd comes in a rush: so long a gap is its end.
    private static let crowdGapMilliseconds: Int64 = 2
    /// Fewer are no crowd, and no load.
    private static let fewRecords = 16
}
