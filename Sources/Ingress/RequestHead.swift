// The head of a request, as far as it was read: what is told of a request that the handler never gets to see.

public struct RequestHead: Sendable {
    /// Empty until the whole head has come.
    public internal(set) var method = ""
    /// The path as it was sent, without the query; of a target that makes no sense the beginning, for the log.
    public internal(set) var target = ""
    /// The path decoded; nil when the target has not come or makes no sense.
    public internal(set) var segments: [String]?
    /// In the order sent.
    public internal(set) var headers: [(name: String, value: String)] = []
    /// The numeric address of the peer, which may be a proxy.
    public let remoteAddress: String

    init(remoteAddress: String) { self.remoteAddress = remoteAddress }
}
