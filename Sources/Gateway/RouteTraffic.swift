// What one route has seen: requests by method and status, and how long they took.
import Synchronization

final class RouteTraffic: Sendable {
    struct Seen: Sendable {
        var counts: [Key: Int] = [:]
        /// How many requests fell between this bound and the one before.
        var buckets = [Int](repeating: 0, count: RouteTraffic.boundsMicroseconds.count + 1)
        var microseconds: Int64 = 0
    }

    struct Key: Hashable, Sendable {
        let method: String
        let status: Int
    }

    static let boundsMicroseconds: [Int64] = [
        5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
    ]
    static let boundsText = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"]

    private let state = Mutex(Seen())

    func count(method: String, status: Int, microseconds: Int64) {
        let bucket = Self.boundsMicroseconds.firstIndex { microseconds <= $0 } ?? Self.boundsMicroseconds.count
        let key = Key(method: Self.known(method), status: status)
        state.withLock { state in
            state.counts[key, default: 0] += 1
            state.buckets[bucket] += 1
            state.microseconds += microseconds
        }
    }

    var seen: Seen { state.withLock { $0 } }

    /// A client may invent methods; each would be a time series for ever.
    private static func known(_ method: String) -> String {
        switch method {
        case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS": method
        default: "other"
        }
    }
}
