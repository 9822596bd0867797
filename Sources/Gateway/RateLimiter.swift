// A bucket of tokens for every client address: it fills steadily, every request takes one.
import Ingress
import Platform
import Synchronization

final class RateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var filledMilliseconds: Int64
    }

    struct Allowance: Sendable {
        let isGranted: Bool
        let limit: Int
        let remaining: Int
        let resetSeconds: Int

        func mark(_ response: inout HTTPResponse) {
            response.headers.append((name: "RateLimit-Limit", value: String(limit)))
            response.headers.append((name: "RateLimit-Remaining", value: String(remaining)))
            response.headers.append((name: "RateLimit-Reset", value: String(resetSeconds)))
        }
    }

    private let perSecond: Double
    private let burst: Double
    private let clientsMax: Int
    private let now: @Sendable () -> Int64
    private let buckets = Mutex<[String: Bucket]>([:])

    init(_ options: EdgeOptions, now: @escaping @Sendable () -> Int64 = { Clock.monotonicMilliseconds() }) {
        perSecond = Double(options.ratePerSecond)
        burst = Double(max(options.rateBurst, options.ratePerSecond))
        clientsMax = options.rateClientsMax
        self.now = now
    }

    func take(address: String) -> Allowance {
        let time = now()
        return buckets.withLock { buckets in
            if buckets.count >= clientsMax, buckets[address] == nil { makeRoom(&buckets, time) }
            var bucket = buckets[address] ?? Bucket(tokens: burst, filledMilliseconds: time)
            bucket.tokens = filled(bucket, time)
            bucket.filledMilliseconds = time
            let isGranted = bucket.tokens >= 1
            if isGranted { bucket.tokens -= 1 }
            buckets[address] = bucket
            let missing = isGranted ? burst - bucket.tokens : 1 - bucket.tokens
            return Allowance(
                isGranted: isGranted, limit: Int(burst), remaining: Int(bucket.tokens),
                resetSeconds: max(1, Int((missing / perSecond).rounded(.up))))
        }
    }

    /// Remembered at the moment.
    var addresses: Int { buckets.withLock { $0.count } }

    private func filled(_ bucket: Bucket, _ time: Int64) -> Double {
        min(burst, bucket.tokens + Double(time - bucket.filledMilliseconds) / 1000 * perSecond)
    }

    /// A full bucket says nothing a new one would not. When all clients are busy the book is closed and begun anew:
    /// a flood of addresses must cost memory neither here nor time on the next request.
    private func makeRoom(_ buckets: inout [String: Bucket], _ time: Int64) {
        buckets = buckets.filter { filled($0.value, time) < burst }
        if buckets.count > clientsMax / 2 { buckets.removeAll() }
    }
}

/// Whom a request comes from: the peer, or whom a trusted proxy names. The last entry is the proxy's own; those before
/// it are the client's to invent.
enum ClientAddress {
    static func of(_ request: HTTPRequest, trusted: Bool) -> String {
        guard trusted, let last = request.header("X-Forwarded-For")?.split(separator: ",").last else {
            return request.remoteAddress
        }
        return last.filter { !$0.isWhitespace }
    }
}
