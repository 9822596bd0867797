// A process that belongs to the system: how it is started, and how one sees that it is ready.
import Platform
import Wire

struct Program: Sendable {
    /// Stopped from the edge inwards: who asks goes before who answers.
    enum Tier: Int, Sendable, CaseIterable { case gateway, service, broker }

    enum Readiness: Sendable {
        /// Its heartbeat says so, and is younger than the process.
        case heartbeat(path: String)
        /// It accepts connections.
        case listens(Address)
        /// `GET /health/ready` is 200.
        case http(Address)
    }

    let instance: String
    let tier: Tier
    let executable: String
    let arguments: [String]
    /// On top of the supervisor's own.
    let environment: [String: String]
    let readiness: Readiness
    /// Where it can be reached, for people.
    let place: String

    /// Nil when it is ready, else what is missing.
    func obstacle(startedAtWallMilliseconds: Int64) -> String? {
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
struct Heartbeat: Sendable {
    let timeMilliseconds: Int64
    let isReady: Bool
    let shards: Int64
    /// Records it has not got to yet.
    let lag: Int64?
    /// How long its loop has not turned.
    let silentMilliseconds: Int64
    let reason: String

    init?(path: String) {
        guard let bytes = Files.read(path), let line = try? JSON(parsing: bytes), let time = line["time"].integer else {
            return nil
        }
        timeMilliseconds = time
        isReady = line["ready"].bool ?? false
        shards = line["shards"].integer ?? 0
        silentMilliseconds = line["silentMilliseconds"].integer ?? 0
        lag = line["lag"].integer
        reason = line["reason"].string ?? (isReady ? "ready" : "not ready")
    }
}
