// A call on its way: HTTP-shaped, carried by a record of the service's request topic.
import Contract
import Kafka
import Platform
import Wire

struct RequestMessage: Sendable {
    /// Unique for the call and equal in all its repeats; a client's `Idempotency-Key` where it sent one.
    var id: String
    /// Tells apart the calls one requester has under way; comes back with the reply.
    var call: Int64
    var method: Method
    /// With the query.
    var path: String
    /// The partition of the replies that the requester reads.
    var replyTo: Int32
    var requester: String
    /// Wall time after which nobody waits for an answer.
    var deadlineMilliseconds: Int64
    var ifMatch: String?
    var trace: TraceContext
    /// The saga it belongs to, where it is not the beginning of one.
    var correlation: String?
    var body: [UInt8]
    /// Set: the id is to be kept for the request of this fingerprint, which another shard will carry out.
    var claims: Int64?

    func record(topic: String, shard: Int32) -> OutgoingRecord {
        var headers = Headers()
        headers.append(HeaderName.id, id)
        headers.append(HeaderName.call, call)
        headers.append(HeaderName.method, method.rawValue)
        headers.append(HeaderName.path, path)
        headers.append(HeaderName.replyTo, Int64(replyTo))
        headers.append(HeaderName.requester, requester)
        headers.append(HeaderName.deadline, deadlineMilliseconds)
        headers.append(HeaderName.traceparent, trace.header)
        headers.append(HeaderName.contentType, Reply.jsonType)
        if let ifMatch { headers.append(HeaderName.ifMatch, ifMatch) }
        if let claims { headers.append(HeaderName.claims, claims) }
        if let correlation { headers.append(HeaderName.correlation, correlation) }
        return OutgoingRecord(topic: topic, partition: shard, key: nil, value: body, headers: headers)
    }

    /// Throws a `Problem` that says which header is missing or wrong.
    init(_ record: Record) throws(Problem) {
        id = try Self.text(record, HeaderName.id)
        call = try Self.number(record, HeaderName.call)
        let methodName = try Self.text(record, HeaderName.method)
        guard let method = Method(rawValue: methodName) else {
            throw .badRequest("header 'method' is '\(methodName.prefix(80))', which is no method")
        }
        self.method = method
        path = try Self.text(record, HeaderName.path)
        let replyTo = try Self.number(record, HeaderName.replyTo)
        guard (0..<Int64(Topics.replyPartitions)).contains(replyTo) else {
            throw .badRequest("header 'reply-to' is \(replyTo), expected 0 to \(Topics.replyPartitions - 1)")
        }
        self.replyTo = Int32(replyTo)
        requester = try Self.text(record, HeaderName.requester)
        deadlineMilliseconds = try Self.number(record, HeaderName.deadline)
        ifMatch = record.header(HeaderName.ifMatch)
        trace = record.header(HeaderName.traceparent).flatMap { TraceContext(header: $0) } ?? TraceContext()
        correlation = record.header(HeaderName.correlation)
        body = record.value ?? []
        claims = record.header(HeaderName.claims) == nil ? nil : try Self.number(record, HeaderName.claims)
    }

    init(
        id: String, call: Int64, method: Method, path: String, replyTo: Int32, requester: String,
        deadlineMilliseconds: Int64, ifMatch: String?, trace: TraceContext, correlation: String?, body: [UInt8],
        claims: Int64? = nil
    ) {
        self.id = id
        self.call = call
        self.method = method
        self.path = path
        self.replyTo = replyTo
        self.requester = requester
        self.deadlineMilliseconds = deadlineMilliseconds
        self.ifMatch = ifMatch
        self.trace = trace
        self.correlation = correlation
        self.body = body
        self.claims = claims
    }

    /// What makes two requests with one id the same request.
    var fingerprint: Int64 { claims ?? Self.fingerprint(method, path, body, ifMatch: ifMatch) }

    /// The condition belongs to it: with another one the answer to the first would be wrong.
    static func fingerprint(_ method: Method, _ path: String, _ body: [UInt8], ifMatch: String?) -> Int64 {
        var hash = StableHash()
        hash.combine(method.rawValue)
        hash.combine(path)
        hash.combine(body)
        if let ifMatch {
            hash.combine([0])
            hash.combine(ifMatch)
        }
        return Int64(bitPattern: hash.value)
    }

    private static func text(_ record: Record, _ name: String) throws(Problem) -> String {
        guard let text = record.header(name), !text.isEmpty else { throw .badRequest("header '\(name)' is missing") }
        return text
    }

    private static func number(_ record: Record, _ name: String) throws(Problem) -> Int64 {
        if let number = record.headers.number(name) { return number }
        throw .badRequest("header '\(name)' is '\(try text(record, name).prefix(80))', expected a number")
    }
}
