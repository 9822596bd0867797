// A call to a service and what becomes of it, as the edge and the rules see it.
public import Contract
public import Wire

public struct Call: Sendable {
    public var service: String
    public var shard: Int32
    public var method: Method
    /// With the query.
    public var path: String
    public var body: [UInt8]
    /// A client's `Idempotency-Key`; nil makes an id.
    public var key: String?
    public var ifMatch: String?
    /// From now on.
    public var deadlineMilliseconds: Int64
    public var trace: TraceContext
    /// The saga it belongs to, where it is not the beginning of one.
    public var correlation: String?

    public init(
        service: String, shard: Int32, method: Method, path: String, body: [UInt8] = [], key: String? = nil,
        ifMatch: String? = nil, deadlineMilliseconds: Int64, trace: TraceContext = TraceContext(),
        correlation: String? = nil
    ) {
        self.service = service
        self.shard = shard
        self.method = method
        self.path = path
        self.body = body
        self.key = key
        self.ifMatch = ifMatch
        self.deadlineMilliseconds = deadlineMilliseconds
        self.trace = trace
        self.correlation = correlation
    }
}

public enum CallResult: Sendable {
    case answered(Reply)
    /// Never reached a rule, or no answer came in time: 503 with `Retry-After`, 504.
    case refused(Problem)
}
