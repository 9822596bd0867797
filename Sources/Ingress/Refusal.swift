// Why a request never reached the handler, and the text a client gets for it.

/// An answer the ingress gives by itself.
public struct Refusal: Sendable, Equatable, Error {
    public let status: Int
    public let title: String
    /// What exactly was wrong; holds names and limits, never a client's input.
    public let detail: String
    public let retryAfterSeconds: Int?

    public init(status: Int, title: String, detail: String, retryAfterSeconds: Int? = nil) {
        self.status = status
        self.title = title
        self.detail = detail
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// RFC 9457. Our own texts hold nothing that JSON would need escaped.
    public var problem: HTTPResponse {
        let body = """
            {"type":"about:blank","title":"\(title)","status":\(status),"detail":"\(detail)"}
            """
        var headers = [(name: "Content-Type", value: "application/problem+json")]
        if let retryAfterSeconds { headers.append((name: "Retry-After", value: String(retryAfterSeconds))) }
        return HTTPResponse(status: status, headers: headers, body: Array(body.utf8))
    }
}

extension Refusal {
    static func badRequest(_ detail: String) -> Refusal {
        Refusal(status: 400, title: "Bad Request", detail: detail)
    }
    static let slow = Refusal(
        status: 408, title: "Request Timeout", detail: "The request did not arrive in time.")
    static func bodyTooLarge(_ bytesMax: Int) -> Refusal {
        Refusal(status: 413, title: "Content Too Large", detail: "A body may have at most \(bytesMax) bytes.")
    }
    static func headersTooLarge(_ bytesMax: Int) -> Refusal {
        Refusal(
            status: 431, title: "Request Header Fields Too Large",
            detail: "Request line and headers may have at most \(bytesMax) bytes together.")
    }
    static func targetTooLong(_ bytesMax: Int) -> Refusal {
        Refusal(
            status: 414, title: "URI Too Long",
            detail: "Request line and headers may have at most \(bytesMax) bytes together.")
    }
    static func tooManyParameters(_ parametersMax: Int) -> Refusal {
        Refusal(
            status: 414, title: "URI Too Long", detail: "A query may have at most \(parametersMax) parameters.")
    }
    static let unknownExpectation = Refusal(
        status: 417, title: "Expectation Failed", detail: "The only expectation met is 100-continue.")
    static let unknownTransferCoding = Refusal(
        status: 501, title: "Not Implemented", detail: "The only transfer coding served is chunked.")
    static let unknownVersion = Refusal(
        status: 505, title: "HTTP Version Not Supported", detail: "The versions served are HTTP/1.0 and HTTP/1.1.")
    static let tooManyConnections = Refusal(
        status: 503, title: "Service Unavailable", detail: "Too many connections.", retryAfterSeconds: 1)
    static let tooManyConnectionsOfAddress = Refusal(
        status: 503, title: "Service Unavailable", detail: "Too many connections from this address.",
        retryAfterSeconds: 1)
    static let stopping = Refusal(
        status: 503, title: "Service Unavailable", detail: "The server is stopping.", retryAfterSeconds: 1)
}
