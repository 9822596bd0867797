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
    /// Set: nothing is done, the shard only keeps the key for the request that this one stands for.
    public private(set) var claims: Int64?

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

extension Call {
    /// A client's key stands for one request, whatever shard that leads to. One shard of the service keeps it: unless it
    /// carries out the request itself, it is asked first. It answers 204, or 422 when the key stands for another request.
    public func claim(among shards: Shards) -> Call? {
        guard let key else { return nil }
        let keeper = shards.owner(ofText: key)
        guard keeper != shard else { return nil }
        var claim = self
        claim.shard = keeper
        claim.body = []
        claim.ifMatch = nil
        claim.claims = RequestMessage.fingerprint(method, path, body, ifMatch: ifMatch)
        return claim
    }
}

public enum CallResult: Sendable {
    case answered(Reply)
    /// Never reached a rule, or no answer came in time: 503 with `Retry-After`, 504.
    case refused(Problem)
}
