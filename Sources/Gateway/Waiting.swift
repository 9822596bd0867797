// Reading one's own writes in a view, which follows the events a moment later: `?after=<id>` waits until the item is
// there, `Prefer: wait=<seconds>` says for how long.
import Contract
import Ingress
import Platform
import Wire
import Worker

struct Wait: Sendable {
    static let parameter = "after"

    /// The item to wait for.
    let id: Int64
    let milliseconds: Int64
    private let isPreferred: Bool

    /// - Parameter item: what `Prefer: wait` alone is about.
    init?(_ request: HTTPRequest, _ options: EdgeOptions, item: Int64?) throws(Problem) {
        let preferred = Self.preferredSeconds(request.header("Prefer"))
        let after = request.query.isEmpty ? nil : request.query.first { $0.name == Self.parameter }?.value
        if let after {
            guard let number = Int64(after), number > 0 else {
                throw .badRequest("parameter 'after' is '\(after.prefix(80))', expected a positive whole number")
            }
            id = number
        } else if preferred != nil, let item {
            id = item
        } else {
            return nil
        }
        isPreferred = preferred != nil
        // Longer than the deadline of a call nobody waits for anything.
        milliseconds = min(preferred.map { $0 * 1000 } ?? options.waitMilliseconds, options.deadlineMilliseconds)
    }

    /// What tells the client that its preference counted, also where the wait was in vain.
    var applied: [(name: String, value: String)] {
        isPreferred ? [(name: "Preference-Applied", value: "wait=\(milliseconds / 1000)")] : []
    }

    /// Why the wait was in vain, nil when the item is there.
    func failure(_ found: CallResult, _ resource: Resource) -> Problem? {
        switch found {
        case .refused(let problem): return problem
        case .answered(let reply) where (200..<300).contains(reply.status): return nil
        case .answered:
            return .notFound("\(resource.item) \(id) did not appear within \(milliseconds) ms")
        }
    }

    private static func preferredSeconds(_ header: String?) -> Int64? {
        guard let header else { return nil }
        for preference in header.split(whereSeparator: { $0 == "," || $0 == ";" }) {
            let text = preference.filter { !$0.isWhitespace && $0 != "\"" }.lowercased()
            if text.hasPrefix("wait="), let seconds = Int64(text.dropFirst(5)), seconds >= 0 {
                return min(seconds, 3600)
            }
        }
        return nil
    }
}

extension Edge {
    /// Asks for the item until it is there, or the wait is over, or nobody waits any more. `then` gets the last answer.
    func waitFor(
        _ wait: Wait, _ visit: Visit, _ home: ResourceHome, _ backend: Backend,
        then: @escaping @Sendable (CallResult) -> Void
    ) {
        let end = Clock.monotonicMilliseconds() + wait.milliseconds
        look(until: end, visit, readCall(visit, home, wait.id, backend), backend, then)
    }

    private func look(
        until end: Int64, _ visit: Visit, _ call: Call, _ backend: Backend,
        _ then: @escaping @Sendable (CallResult) -> Void
    ) {
        backend.caller.send(call) { [self] result in
            guard case .answered(let reply) = result, reply.status == 404, visit.isClientThere,
                Clock.monotonicMilliseconds() + options.pollMilliseconds <= end
            else { return then(result) }
            alarm.after(milliseconds: options.pollMilliseconds) { [self] in
                look(until: end, visit, call, backend, then)
            }
        }
    }
}
