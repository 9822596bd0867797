// `/metrics`: what this process has seen, what its calls are doing, and what every worker last said about itself.
import Ingress
import Platform
import Wire

extension Edge {
    func metrics() -> HTTPResponse {
        var text = PrometheusText()
        for route in router.routes + [router.unmatched] { addTraffic(of: route, to: &text) }
        text.add(
            "http_requests_in_flight", .gauge, "Requests under way.", [("instance", instance)], requestsInFlight)
        text.add(
            "http_requests_shed_total", .counter, "Requests answered 503 since too many were under way.",
            [("instance", instance)], requestsShed)
        if let statistics = callerStatistics {
            MetricTree(prefix: "requester", help: "Calls to the services, seen from the edge.").add(
                statistics, labels: [("instance", instance)], to: &text)
        }
        telemetry.add(to: &text, nowMilliseconds: Clock.monotonicMilliseconds())
        return HTTPResponse(
            status: 200,
            headers: [
                (name: "Content-Type", value: PrometheusText.contentType), (name: "Cache-Control", value: "no-store"),
            ], body: Array(text.text.utf8))
    }

    private func addTraffic(of route: Route, to text: inout PrometheusText) {
        let seen = route.traffic.seen
        guard !seen.counts.isEmpty else { return }
        let labels = [("instance", instance), ("route", route.template)]
        for (key, count) in seen.counts.sorted(by: { ($0.key.method, $0.key.status) < ($1.key.method, $1.key.status) })
        {
            text.add(
                "http_requests_total", .counter, "Requests answered.",
                labels + [("method", key.method), ("status", String(key.status))], count)
        }
        let name = "http_request_duration_seconds"
        let help = "From the last byte of a request to its answer."
        var sum = 0
        for (bound, count) in zip(RouteTraffic.boundsText, seen.buckets) {
            sum += count
            text.add(name, .histogram, help, labels + [("le", bound)], sum, suffix: "_bucket")
        }
        text.add(name, .histogram, help, labels, Self.seconds(seen.microseconds), suffix: "_sum")
        text.add(name, .histogram, help, labels, sum, suffix: "_count")
    }

    private static func seconds(_ microseconds: Int64) -> String {
        let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        let digits = String(rest)
        return "\(whole).\(String(repeating: "0", count: 6 - digits.count))\(digits)"
    }
}

/// Numbers, nested as a process likes, as metrics: names joined by `_`, texts as a label of a metric that is 1.
struct MetricTree {
    let prefix: String
    let help: String
    var kind = PrometheusText.Kind.gauge

    func add(_ object: JSONObject, labels: [(String, String)], to text: inout PrometheusText) {
        for (name, value) in object.members { add("\(prefix)_\(PrometheusText.name(name))", value, labels, &text) }
    }

    private func add(_ name: String, _ value: JSON, _ labels: [(String, String)], _ text: inout PrometheusText) {
        let full = kind == .counter && !name.hasSuffix("_total") ? name + "_total" : name
        switch value {
        case .integer(let number): text.add(full, kind, help, labels, String(number))
        case .number(let number): text.add(full, kind, help, labels, String(number))
        case .bool(let flag): text.add(full, kind, help, labels, flag ? 1 : 0)
        case .string(let state): text.add(name, .gauge, help, labels + [("state", state)], 1)
        case .object(let members):
            // The members' names are data, like those of services: a label, so that queries can sum over them.
            for (inner, value) in members.members { add(name, value, labels + [(labelName(labels), inner)], &text) }
        case .array, .null: break
        }
    }

    private func labelName(_ labels: [(String, String)]) -> String {
        labels.contains { $0.0 == "name" } ? "part" : "name"
    }
}
