// Requests that came before there was anybody to ask.
import Synchronization

final class EarlyVisits: Sendable {
    private let waiting = Mutex<[ObjectIdentifier: Visit]>([:])

    func add(_ visit: Visit) { waiting.withLock { $0[ObjectIdentifier(visit)] = visit } }

    /// False when somebody else has taken it.
    func take(_ visit: Visit) -> Bool { waiting.withLock { $0.removeValue(forKey: ObjectIdentifier(visit)) != nil } }

    func takeAll() -> [Visit] {
        waiting.withLock { waiting in
            defer { waiting = [:] }
            return Array(waiting.values)
        }
    }
}
