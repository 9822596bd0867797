// What all paths share: problems, headers, parameters, and the schemas of HAL.
import Wire

enum OpenAPICommon {
    static let schemas: [(String, JSON)] = [
        (
            "Link",
            Schema.object(
                [
                    ("href", ["type": "string"]),
                    ("templated", ["type": "boolean", "description": "`href` is a template as RFC 6570 has it"]),
                ], required: ["href"])
        ),
        (
            "Links",
            Schema.object(
                [("_links", ["type": "object", "additionalProperties": Schema.reference("Link")])],
                required: ["_links"])
        ),
        (
            "Page",
            Schema.object(
                ["size", "totalElements", "totalPages", "number"].map {
                    ($0, ["type": "integer", "format": "int64", "minimum": $0 == "size" ? 1 : 0])
                }, required: ["size", "totalElements", "totalPages", "number"])
        ),
        (
            "Problem",
            Schema.object(
                [
                    ("type", ["type": "string", "format": "uri-reference"]), ("title", ["type": "string"]),
                    ("status", ["type": "integer", "minimum": 400, "maximum": 599]),
                    ("detail", ["type": "string", "description": "What is wrong, with the field and the value"]),
                    ("instance", ["type": "string", "description": "The path that was called"]),
                    ("requestId", ["type": "string", "description": "Finds the request in the logs"]),
                ], required: ["type", "title", "status", "detail"], "RFC 9457")
        ),
        (
            "Health",
            Schema.object(
                [("status", ["type": "string", "enum": ["UP", "DOWN"]]), ("reason", ["type": "string"])],
                required: ["status"])
        ),
    ]

    static let headers: JSONObject = [
        "X-Request-Id": header("The client's own, or one of ours"),
        "traceparent": header("W3C Trace Context: our step in the client's trace, or a new one"),
        "Vary": header("The request headers the answer depends on"),
        "ETag": header("The version of the item"),
        "Location": header("The address of the item", format: "uri"),
        "Retry-After": ["description": "Seconds", "schema": ["type": "integer", "minimum": 0]],
        "Preference-Applied": header("The wait that was applied"),
        "RateLimit-Limit": ["description": "Requests that may be saved up", "schema": ["type": "integer"]],
        "RateLimit-Remaining": ["description": "Requests left", "schema": ["type": "integer"]],
        "RateLimit-Reset": ["description": "Seconds until all are back", "schema": ["type": "integer"]],
    ]

    private static func header(_ summary: String, format: String? = nil) -> JSON {
        var schema: JSONObject = ["type": "string"]
        if let format { schema.append("format", .string(format)) }
        return ["description": .string(summary), "schema": .object(schema)]
    }

    static func parameters(_ options: EdgeOptions) -> JSONObject {
        let key = options.idempotencyKeyBytesMax
        return [
            "RequestId": parameter("X-Request-Id", "Comes back, and is in the logs"),
            "TraceParent": parameter("traceparent", "W3C Trace Context"),
            "IdempotencyKey": [
                "name": "Idempotency-Key", "in": "header",
                "description": "Names this write: sent again with the same key it is answered again and not done again",
                "schema": ["type": "string", "pattern": .string("^[!-~]{1,\(key)}$")],
            ],
            "IfMatch": parameter("If-Match", "Only when the item still has this version, else 412"),
            "IfNoneMatch": parameter("If-None-Match", "Only when the item no longer has this version, else 304"),
            "Prefer": parameter("Prefer", "`wait=<seconds>`: how long to wait for an item that is not there yet"),
            "After": [
                "name": "after", "in": "query",
                "description": "Waits until the item with this id is there, so that a view shows one's own writes",
                "schema": ["type": "integer", "format": "int64", "minimum": 1],
            ],
            "Page": [
                "name": "page", "in": "query", "description": "From 0; what makes no sense counts as 0",
                "schema": ["type": ["integer", "string"], "default": 0],
            ],
            "Size": [
                "name": "size", "in": "query",
                "description": .string("At most \(options.pageSizeMax); what makes no sense counts as the default"),
                "schema": ["type": ["integer", "string"], "default": .integer(Int64(options.pageSizeDefault))],
            ],
        ]
    }

    private static func parameter(_ name: String, _ summary: String) -> JSON {
        ["name": .string(name), "in": "header", "description": .string(summary), "schema": ["type": "string"]]
    }

    static func parameterReference(_ name: String) -> JSON { ["$ref": .string("#/components/parameters/\(name)")] }

    /// Parameters of every path.
    static let everywhere = [parameterReference("RequestId"), parameterReference("TraceParent")]

    private static let meanings: [(String, String)] = [
        ("400", "Something about the request is wrong; `detail` names it"), ("404", "There is no such item"),
        ("406", "None of the accepted types can be answered"), ("409", "The item's state does not allow it"),
        ("412", "The item has another version than `If-Match` says"), ("413", "The body is too large"),
        ("411", "There is no body, and no length of one"),
        ("415", "The body is of a type that is not taken"),
        ("422", "The Idempotency-Key was used for another request"), ("429", "Too many requests from this address"),
        ("500", "Something is broken here"), ("503", "Too busy, starting or stopping: try again"),
        ("504", "No answer in time"),
    ]

    private static let headersOfProblems = [
        "429": ["Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"], "503": ["Retry-After"],
    ]

    static let responses: JSONObject = {
        var responses = JSONObject()
        for (status, meaning) in meanings {
            responses.append("Problem\(status)", problem(meaning, headers: headersOfProblems[status] ?? []))
        }
        responses.append("Problem", problem("Any other refusal", headers: []))
        return responses
    }()

    private static func problem(_ meaning: String, headers: [String]) -> JSON {
        response(meaning, ["application/problem+json": Schema.reference("Problem")], headers: headers)
    }

    /// References to the problems with these statuses, and to the one for all others.
    static func problems(_ statuses: [String]) -> [(String, JSON)] {
        statuses.map { ($0, ["$ref": .string("#/components/responses/Problem\($0)")]) }
            + [("default", ["$ref": "#/components/responses/Problem"])]
    }

    static func response(_ summary: String, _ content: JSONObject, headers: [String] = []) -> JSON {
        var response: JSONObject = ["description": .string(summary)]
        response.append(
            "headers",
            .object(
                JSONObject(
                    (["X-Request-Id", "traceparent", "Vary"] + headers).map {
                        ($0, ["$ref": .string("#/components/headers/\($0)")])
                    })))
        if !content.isEmpty {
            response.append(
                "content",
                .object(JSONObject(content.members.map { ($0.name, ["schema": $0.value]) })))
        }
        return .object(response)
    }
}
