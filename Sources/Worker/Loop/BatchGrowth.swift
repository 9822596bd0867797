// When a batch has grown enough. A transaction costs much the same for one record and for hundreds, so a moment's
// patience can make one of two or three.

struct BatchGrowth {
    /// What is in the open batch, since when, and when the last of it came.
    private var records = 0
    private var bytes = 0
    private var openedAt: Int64 = 0
    private var grewAt: Int64 = 0
    /// Records that the last batch will have called forth: a reply is mostly followed by the next request, and a message to
    /// this service comes back to it.
    private var expected = 0

    mutating func add(_ count: Int, bytes size: Int, now: Int64) {
        if records == 0 { openedAt = now }
        if count > 0 { grewAt = now }
        records += count
        bytes += size
    }

    mutating func commit(callingForth count: Int) {
        records = 0
        bytes = 0
        expected = count
    }

    /// Milliseconds to wait for more. What somebody waits for is committed at once, unless the last batch called forth a
    /// crowd that is still coming in.
    func patience(isAwaited: Bool, lastCommit: Int64, now: Int64, _ limits: WorkerLimits) -> Int64 {
        guard records < limits.batchRecordsMax, bytes < limits.batchBytesMax else { return 0 }
        let end = openedAt + limits.lingerMilliseconds
        guard isAwaited else { return max(0, end - now) }
        let isCrowd = expected >= Self.fewRecords && openedAt - lastCommit <= limits.lingerMilliseconds
        guard isCrowd, records < expected else { return 0 }
        return max(0, min(end, grewAt + Self.crowdGapMilliseconds) - now)
    }

    /// A crowd comes in a rush: so long a gap is its end.
    private static let crowdGapMilliseconds: Int64 = 2
    /// Fewer are no crowd.
    private static let fewRecords = 16
}
