// Requests that wait for others to answer, or for time to pass. In memory only: if the process dies, the requester's
// repeat starts the request again on the next owner.
import Contract
import Kafka
import Wire

struct Parking {
    struct Parked {
        let request: RequestMessage
        /// As it was read, should it become a dead letter.
        let record: Record
        /// Everybody who asked the same meanwhile is answered together.
        var waiters: [RequestMessage]
        let shard: Int32
        let cause: Cause
        /// How often it has been parked, this time included.
        let step: Int
        let continuation: Outcome.Continuation
        var answers: [Answer?]
        let dueAt: Int64?
        let number: Int
    }

    private var parked: [String: Parked] = [:]
    private var ready: [String] = []
    /// Those that wait for time; usually none.
    private var timed: [String] = []
    private var lastNumber = 0

    var count: Int { parked.count }

    /// Who waits under this id.
    func find(_ id: String) -> Parked? { parked[id] }

    /// A repeat of a call that already waits here changes nothing.
    mutating func join(_ request: RequestMessage) {
        let isKnown = parked[request.id]?.waiters.contains {
            $0.call == request.call && $0.requester == request.requester
        }
        if isKnown == false { parked[request.id]?.waiters.append(request) }
    }

    /// Returns a number that tells this stay from later ones of the same request.
    mutating func park(
        _ request: RequestMessage, record: Record, waiters: [RequestMessage], shard: Int32, cause: Cause, step: Int,
        questions: Int, dueAt: Int64?, then continuation: @escaping Outcome.Continuation
    ) -> Int {
        lastNumber += 1
        parked[request.id] = Parked(
            request: request, record: record, waiters: waiters, shard: shard, cause: cause, step: step,
            continuation: continuation, answers: Array(repeating: nil, count: questions), dueAt: dueAt,
            number: lastNumber)
        if dueAt != nil { timed.append(request.id) } else if questions == 0 { ready.append(request.id) }
        return lastNumber
    }

    mutating func answer(_ id: String, number: Int, place: Int, _ answer: Answer) {
        guard parked[id]?.number == number else { return }
        parked[id]?.answers[place] = answer
        if parked[id]?.answers.allSatisfy({ $0 != nil }) == true { ready.append(id) }
    }

    /// Those whose answers are complete or whose time has come.
    mutating func takeReady(now: Int64) -> [Parked] {
        guard !ready.isEmpty || !timed.isEmpty else { return [] }
        let due = timed.filter { (parked[$0]?.dueAt ?? 0) <= now }
        timed.removeAll { due.contains($0) }
        defer { ready.removeAll(keepingCapacity: true) }
        return (ready + due).compactMap { parked.removeValue(forKey: $0) }
    }

    func nextDue() -> Int64? { timed.compactMap { parked[$0]?.dueAt }.min() }

    mutating func removeAll() {
        parked.removeAll()
        ready.removeAll()
        timed.removeAll()
    }
}
