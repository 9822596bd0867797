// One line a request. No bodies and no query: they may hold names and addresses of people.
import Platform

enum AccessLog {
    static func write(_ visit: Visit, client: String, status: Int, microseconds: Int64) {
        guard Log.isOn(.info) else { return }
        Log.info(
            "request",
            [
                "method": LogValue(visit.request.method, atMost: 40),
                "path": LogValue(visit.request.target, atMost: 200),
                "route": .text(visit.route?.template ?? "unmatched"),
                "status": LogValue(status),
                "microseconds": LogValue(microseconds),
                "client": LogValue(client, atMost: 80),
                "requestId": .text(visit.requestID),
                "traceId": .text(visit.trace.traceID),
            ])
    }
}
