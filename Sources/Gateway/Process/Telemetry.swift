// What the workers say about themselves: the newest heartbeat of each, forgotten when it falls silent.
import Synchronization
import Wire

/// A heartbeat is one JSON object:
/// `{"instance":…,"service":…,"time":…,"ready":true,"counters":{…},"gauges":{…},
///   "breakers":[{"target":…,"state":"closed"}],"shards":[{"shard":0,"lag":0}]}`.
final class Telemetry: Sendable {
    private struct Heartbeat {
        let object: JSONObject
        let heardMilliseconds: Int64
    }
    private let silenceMilliseconds: Int64
    private let heartbeats = Mutex<[String: Heartbeat]>([:])
    /// More instances than this are no system but somebody's mistake or malice on the topic.
    private static let instancesMax = 1000

    init(silenceMilliseconds: Int64) { self.silenceMilliseconds = silenceMilliseconds }

    /// What is no heartbeat is passed over.
    func hear(_ value: [UInt8], nowMilliseconds: Int64) {
        guard let object = (try? JSON(parsing: value))?.object, let instance = object["instance"]?.string else {
            return
        }
        heartbeats.withLock { heartbeats in
            forgetSilent(&heartbeats, nowMilliseconds)
            guard heartbeats[instance] != nil || heartbeats.count < Self.instancesMax else { return }
            heartbeats[instance] = Heartbeat(object: object, heardMilliseconds: nowMilliseconds)
        }
    }

    func add(to text: inout PrometheusText, nowMilliseconds: Int64) {
        let objects = heartbeats.withLock { heartbeats in
            forgetSilent(&heartbeats, nowMilliseconds)
            return heartbeats.sorted { $0.key < $1.key }.map(\.value.object)
        }
        for object in objects { Self.add(object, to: &text) }
    }

    private func forgetSilent(_ heartbeats: inout [String: Heartbeat], _ now: Int64) {
        heartbeats = heartbeats.filter { now - $0.value.heardMilliseconds <= silenceMilliseconds }
    }

    private static func add(_ object: JSONObject, to text: inout PrometheusText) {
        let labels = [
            ("service", object["service"]?.string ?? ""), ("instance", object["instance"]?.string ?? ""),
        ]
        text.add("worker_up", .gauge, "Workers heard of lately.", labels, 1)
        if let isReady = object["ready"]?.bool {
            text.add("worker_ready", .gauge, "Workers that have taken all their shards.", labels, isReady ? 1 : 0)
        }
        if let counters = object["counters"]?.object {
            MetricTree(prefix: "worker", help: "Counted since the worker started.", kind: .counter).add(
                counters, labels: labels, to: &text)
        }
        if let gauges = object["gauges"]?.object {
            MetricTree(prefix: "worker", help: "As of the worker's last heartbeat.").add(
                gauges, labels: labels, to: &text)
        }
        for breaker in object["breakers"]?.array ?? [] {
            text.add(
                "worker_breaker", .gauge, "Circuits of a worker to other services, by state.",
                labels + [("target", breaker["target"].string ?? ""), ("state", breaker["state"].string ?? "")], 1)
        }
        for shard in object["shards"]?.array ?? [] {
            guard let members = shard.object, let number = members["shard"]?.integer else { continue }
            let values = JSONObject(members.members.filter { $0.name != "shard" }.map { ($0.name, $0.value) })
            MetricTree(prefix: "shard", help: "As of the last heartbeat of the shard's owner.").add(
                values, labels: labels + [("shard", String(number))], to: &text)
        }
    }
}
