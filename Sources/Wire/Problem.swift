// A refusal as RFC 9457 has it: what is wrong, with which field and value, and what could be done.
public struct Problem: Error, Sendable, Equatable {
    public var status: Int
    public var title: String
    public var detail: String
    /// Seconds after which a repeat makes sense, for 429 and 503: one where nothing else is said.
    public var retryAfterSeconds: Int?

    public init(_ status: Int, _ detail: String, title: String? = nil, retryAfterSeconds: Int? = nil) {
        self.status = status
        self.title = title ?? Self.title(of: status)
        self.detail = detail
        self.retryAfterSeconds = retryAfterSeconds ?? (status == 429 || status == 503 ? 1 : nil)
    }

    public static func badRequest(_ detail: String) -> Problem { Problem(400, detail) }
    public static func notFound(_ detail: String) -> Problem { Problem(404, detail) }
    public static func conflict(_ detail: String) -> Problem { Problem(409, detail) }
    public static func unavailable(_ detail: String, retryAfterSeconds: Int = 1) -> Problem {
        Problem(503, detail, retryAfterSeconds: retryAfterSeconds)
    }

    public var json: JSONObject {
        [
            "type": "about:blank", "title": .string(title), "status": .integer(Int64(status)),
            "detail": .string(detail),
        ]
    }

    public static let contentType = "application/problem+json"

    private static func title(of status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Error"
        }
    }
}
