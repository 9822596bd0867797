// Sockets of clients that were refused while still sending. Closing at once would make the kernel throw away the
// answer they have not read yet, so they are drained for a moment first.
import Glibc
import Synchronization

final class Departures: Sendable {
    private struct Departure {
        let socket: Int32
        let deadline: Int64
    }
    private let departures = Mutex<[Departure]>([])
    /// A flood of refused clients must not use up the descriptors: beyond this they are closed at once.
    static let departuresMax = 64

    /// Takes over the descriptor.
    func add(_ socket: Int32, deadline: Int64) {
        guard socket >= 0 else { return }
        let taken = departures.withLock { departures in
            guard departures.count < Self.departuresMax else { return false }
            departures.append(Departure(socket: socket, deadline: deadline))
            return true
        }
        if !taken { cutOff(socket) }
    }

    var sockets: [Int32] { departures.withLock { $0.map(\.socket) } }

    func drainAll(now: Int64) {
        departures.withLock { departures in
            departures.removeAll { departure in
                let done = !drain(departure.socket) || now >= departure.deadline
                if done { cutOff(departure.socket) }
                return done
            }
        }
    }

    /// Shut down as well, because the daemon may hold the same connection by a descriptor of its own.
    private func cutOff(_ socket: Int32) {
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
    }
}
