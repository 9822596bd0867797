public import Contract
public import Wire

public struct Call: Sendable {
    public var service: String
    public var shard: Int32
    public var method: Method
    public var path: String
    public var body: [UInt8]
    public var key: String?
    public var ifMatch: String?
    public var deadlineMilliseconds: Int64
    public var trace: TraceContext

    public init(
        service: String, shard: Int32, method: Method, path: String, body: [UInt8] = [], key: String? = nil,
        ifMatch: String? = nil, deadlineMilliseconds: Int64, trace: TraceContext
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
    }
}

public enum CallResult: Sendable {
    case answered(Reply)
    case refused(Problem)
}

public struct Reply: Sendable, Equatable {
    public var status: Int
    public var contentType: String
    public var body: [UInt8]
    /// The id of what was created, for `Location`.
    public var createdID: Int64?

    public init(status: Int, contentType: String, body: [UInt8], createdID: Int64? = nil) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.createdID = createdID
    }
    public static let jsonType = "application/json"
    public static let textType = "text/plain;charset=UTF-8"
}
