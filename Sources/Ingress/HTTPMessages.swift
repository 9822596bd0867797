// A request as it came and an answer as it goes: plain values, all bytes in memory.

public struct HTTPRequest: Sendable {
    public let method: String
    /// The path as it was sent, without the query.
    public let target: String
    /// The path decoded; a trailing slash makes no difference.
    public let segments: [String]
    /// The query decoded, in the order sent; `+` is a space.
    public let query: [(name: String, value: String)]
    public let rawQuery: String
    /// In the order sent. Bytes that are no UTF-8 are replaced by U+FFFD.
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]
    /// The numeric address of the peer, which may be a proxy.
    public let remoteAddress: String

    public init(
        method: String, target: String, segments: [String], query: [(name: String, value: String)] = [],
        rawQuery: String = "", headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        remoteAddress: String = ""
    ) {
        self.method = method
        self.target = target
        self.segments = segments
        self.query = query
        self.rawQuery = rawQuery
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
    }

    /// The value of a header whatever its case; several of one name are joined by commas, as RFC 9110 reads them.
    public func header(_ name: String) -> String? {
        var found: String?
        for header in headers where sameHeaderName(header.name, name) {
            found = found.map { $0 + ", " + header.value } ?? header.value
        }
        return found
    }
}

public struct HTTPResponse: Sendable {
    public var status: Int
    /// `Content-Length`, `Date` and the connection headers are the server's business and dropped from here.
    public var headers: [(name: String, value: String)]
    /// Of a 304, as of every answer to HEAD, only the length is sent: the one that GET would have told.
    public var body: [UInt8]

    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Equal but for the case of ASCII letters; makes no lowercased copies.
func sameHeaderName(_ one: String, _ other: String) -> Bool {
    let one = one.utf8
    let other = other.utf8
    guard one.count == other.count else { return false }
    return zip(one, other).allSatisfy { left, right in
        left == right || (left ^ right == 0x20 && (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(left | 0x20))
    }
}
