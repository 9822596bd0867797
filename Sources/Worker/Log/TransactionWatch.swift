// Looks for transactions that the broker forgot to end (docs/decisions/0021-a-transaction-that-hangs.md), and tells of those
// it has ended. It asks on the loop's thread, so that it must be brief and not come too often.
import Kafka
import Platform

final class TransactionWatch {
    private let mender: TransactionMender
    private let group: String
    private var pace = LookPace()
    /// Between batches nobody waits for the answer; the loop waits for it.
    private static let briefMilliseconds = 1_000

    init(_ mender: TransactionMender, group: String) {
        self.mender = mender
        self.group = group
    }

    /// Nothing of the own producers is undecided after this. Waits for the answer: a commit depends on it.
    func settle(deadline: Int64) throws {
        while !mender.isCurrent {
            do { try lookWell() } catch let error as KafkaError where error.remedy == .retry {
                guard Clock.monotonicMilliseconds() < deadline else {
                    throw FatalError("the broker does not say whether transactions hang: \(error)")
                }
                Pause.milliseconds(50)
            }
        }
    }

    /// One look that gives a slow broker time.
    func lookWell() throws { try look(patienceMilliseconds: TransactionMender.patienceMilliseconds) }

    /// One that does not; what fails now is tried again later.
    func lookBriefly() {
        let began = Clock.monotonicMilliseconds()
        do { try look(patienceMilliseconds: Self.briefMilliseconds) } catch {
            pace.failed(from: began, to: Clock.monotonicMilliseconds())
            Log.debug("looking for transactions that hang", ["error": LogValue(describing: error)])
        }
    }

    /// A process without work ends what hangs, too: others may wait for it.
    func lookNowAndThen() {
        if pace.isDue(now: Clock.monotonicMilliseconds(), isCurrent: mender.isCurrent) { lookBriefly() }
    }

    private func look(patienceMilliseconds: Int) throws {
        for mended in try mender.mend(patienceMilliseconds: patienceMilliseconds) {
            Log.warning(
                "a transaction that the broker had forgotten to end was ended",
                [
                    "transaction": LogValue(mended.transactionalID), "as": mended.isCommit ? "commit" : "abort",
                    "in": LogValue(mended.partitions.map { "\($0.topic)[\($0.partition)]" }.joined(separator: " ")),
                ])
        }
        pace.succeeded(at: Clock.monotonicMilliseconds())
    }

    /// For a group whose offsets stay unstable although nothing hangs.
    func remind() {
        do {
            for reminded in try mender.remind(group: group) {
                Log.warning(
                    "the group's coordinator was reminded of how a transaction ended",
                    [
                        "transaction": LogValue(reminded.transactionalID),
                        "as": reminded.isCommit ? "commit" : "abort",
                    ])
            }
        } catch { Log.debug("reminding the group's coordinator", ["error": LogValue(describing: error)]) }
    }
}

/// When the loop looks again: soon while a broker is only away, seldom where each look costs time because it is silent.
struct LookPace {
    private var lookedAt: Int64 = 0
    private var looksAgainAt: Int64 = 0
    /// Transactions of processes that are no more are looked for this often.
    private static let everyMilliseconds: Int64 = 30_000
    private static let soonMilliseconds: Int64 = 200
    /// Looks that fail take one part in so many of the loop's time at most.
    private static let shareOfTime: Int64 = 10

    func isDue(now: Int64, isCurrent: Bool) -> Bool {
        now >= looksAgainAt && (!isCurrent || now - lookedAt >= Self.everyMilliseconds)
    }

    mutating func succeeded(at now: Int64) {
        lookedAt = now
        looksAgainAt = 0
    }

    mutating func failed(from began: Int64, to now: Int64) {
        looksAgainAt = now + min(Self.everyMilliseconds, max(Self.soonMilliseconds, Self.shareOfTime * (now - began)))
    }
}
