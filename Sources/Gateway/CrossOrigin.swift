// CORS as the original gateway answers it: any origin, any method, any header, with credentials.
import Ingress

enum CrossOrigin {
    /// Answers differ by these request headers, so caches must keep them apart.
    static let vary = "Accept, Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    /// What a script may read beyond the few headers it always may.
    private static let exposed =
        "Location, ETag, Allow, Retry-After, X-Request-Id, traceparent, Preference-Applied, RateLimit-Limit, "
        + "RateLimit-Remaining, RateLimit-Reset"

    static func isPreflight(_ request: HTTPRequest) -> Bool {
        request.method == "OPTIONS" && request.header("Origin") != nil
            && request.header("Access-Control-Request-Method") != nil
    }

    /// A browser asks before it sends: allowed is what it asks for, wherever there is something.
    static func preflight(_ visit: Visit) -> HTTPResponse {
        guard let route = visit.route else {
            return visit.problemResponse(.init(403, "nothing lies at \(visit.request.target.prefix(200))"))
        }
        var headers = [(name: "Allow", value: route.allow)]
        let request = visit.request
        if let method = echo(request, "Access-Control-Request-Method") {
            headers.append((name: "Access-Control-Allow-Methods", value: method))
        }
        if let names = echo(request, "Access-Control-Request-Headers") {
            headers.append((name: "Access-Control-Allow-Headers", value: names))
        }
        return HTTPResponse(status: 200, headers: headers)
    }

    static func mark(_ response: inout HTTPResponse, for request: HTTPRequest) {
        response.headers.append((name: "Vary", value: vary))
        guard let origin = echo(request, "Origin") else { return }
        response.headers.append((name: "Access-Control-Allow-Origin", value: origin))
        response.headers.append((name: "Access-Control-Allow-Credentials", value: "true"))
        response.headers.append((name: "Access-Control-Expose-Headers", value: exposed))
    }

    /// What a client sent, unless it may not stand in a header of ours.
    private static func echo(_ request: HTTPRequest, _ name: String) -> String? {
        guard let value = request.header(name), value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return value
    }
}
