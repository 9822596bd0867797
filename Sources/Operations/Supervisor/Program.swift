// A process that belongs to the system: how it is started, and how one sees that it is ready.
import Platform
import Wire

package struct Program: Sendable {
    /// Stopped from the edge inwards: who asks goes before who answers.
    package enum Tier: Int, Sendable, CaseIterable { case gateway, service, broker }

    package enum Readiness: Sendable {
        /// Its heartbeat says so, and is younger than the process.
        case heartbeat(path: String)
        /// It accepts connections.
        case listens(Address)
        /// `GET /health/ready` is 200.
        case http(Address)
    }

    package let instance: String
    /// What it is one of: the name of a service, `gateway` or `broker`.
    package let service: String
    package let tier: Tier
    package let executable: String
    package let arguments: [String]
    /// On top of the supervisor's own.
    package let environment: [String: String]
    package let readiness: Readiness
    /// Where its liveness probe is, if it has one.
    package let liveness: Address?
    /// Where it can be reached, for people.
    package let place: String

    /// Nil when it is ready, else what is missing.
    package func obstacle(startedAtWallMilliseconds: Int64) -> String? {
        switch readiness {
        case .listens(let address): return address.answers ? nil : "nobody listens on \(address) yet"
        case .http(let address):
            let answer = HTTPClient(address: address, timeoutMilliseconds: 1000).send("GET", "/health/ready")
            if answer?.status == 200 { return nil }
            return answer.map { "GET /health/ready answers \($0.status): \($0.text.prefix(200))" }
                ?? "nobody answers on \(address) yet"
        case .heartbeat(let path):
            guard let beat = Heartbeat(path: path), beat.timeMilliseconds >= startedAtWallMilliseconds else {
                return "no sign of life yet"
            }
            return beat.isReady ? nil : beat.reason
        }
    }
}

/// The line a worker writes about itself, again and again.
package struct Heartbeat: Sendable {
    package let timeMilliseconds: Int64
    package let pid: Int64?
    package let isReady: Bool
    package let shards: Int64
    /// Records it has not got to yet.
    package let lag: Int64?
    /// How long its loop has not turned.
    package let silentMilliseconds: Int64
    package let reason: String

    package init?(path: String) {
        guard let bytes = FileSystem.read(path), let line = try? JSON(parsing: bytes), let time = line["time"].integer
        else {
            return nil
        }
        timeMilliseconds = time
        pid = line["pid"].integer
        isReady = line["ready"].bool ?? false
        shards = line["shards"].integer ?? 0
        silentMilliseconds = line["silentMilliseconds"].integer ?? 0
        lag = line["lag"].integer
        reason = line["reason"].string ?? (isReady ? "ready" : "not ready")
    }
}
