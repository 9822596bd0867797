// What a message came from: every event and command carries the thread of its saga.
import Kafka
import Platform
import Wire

struct Cause: Sendable {
    /// The same through a whole saga: the id of the request that began it.
    let correlation: String
    /// The message that is being handled.
    let causation: String
    let trace: TraceContext
    /// Makes the ids of what follows: unique, and the same when a batch is run again.
    let origin: String

    init(correlation: String, causation: String, trace: TraceContext, origin: String) {
        self.correlation = correlation
        self.causation = causation
        self.trace = trace
        self.origin = origin
    }

    /// Of an event or a command; one that a person typed into the topic has no headers and begins a saga of its own.
    init(_ record: Record, id: String?, origin: String) {
        let id = id ?? origin
        self.init(
            correlation: record.header(HeaderName.correlation) ?? id, causation: id,
            trace: record.header(HeaderName.traceparent).flatMap { TraceContext(header: $0) } ?? TraceContext(),
            origin: origin)
    }

    init(_ request: RequestMessage, origin: String) {
        self.init(
            correlation: request.correlation ?? request.id, causation: request.id, trace: request.trace, origin: origin)
    }

    func id(_ place: Int) -> String { "\(origin)-\(place)" }

    func write(to headers: inout Headers) {
        headers.append(HeaderName.traceparent, trace.child().header)
        headers.append(HeaderName.correlation, correlation)
        headers.append(HeaderName.causation, causation)
    }
}
