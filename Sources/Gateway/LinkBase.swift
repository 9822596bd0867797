// How links in an answer begin: with the host the client called, or the one a trusted proxy says it called.
import Ingress
import Wire

enum LinkBase {
    static func of(_ request: HTTPRequest, _ options: EdgeOptions) throws(Problem) -> String {
        let host = request.header("Host") ?? options.authority
        guard options.forwardedTrusted else { return "http://" + (try authority(host, "Host")) }
        let scheme = first(request, "X-Forwarded-Proto")?.lowercased() == "https" ? "https" : "http"
        var authority = try authority(first(request, "X-Forwarded-Host") ?? host, "X-Forwarded-Host")
        if let port = first(request, "X-Forwarded-Port").flatMap({ UInt16($0) }) {
            authority = withoutPort(authority)
            if port != (scheme == "https" ? 443 : 80) { authority += ":\(port)" }
        }
        return "\(scheme)://\(authority)\(try prefix(request))"
    }

    /// A host goes into JSON and into headers as it is, so it may hold nothing that means something there.
    private static func authority(_ text: String, _ header: String) throws(Problem) -> String {
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy(isHostByte) else {
            throw .badRequest("header '\(header)' is no host name")
        }
        return text
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
            true
        default: false
        }
    }

    /// `[::1]:8080` and `host:8080` without the port.
    private static func withoutPort(_ authority: String) -> String {
        guard let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") else { return authority }
        return String(authority[..<colon])
    }

    private static func prefix(_ request: HTTPRequest) throws(Problem) -> String {
        guard var prefix = first(request, "X-Forwarded-Prefix"), prefix != "/" else { return "" }
        guard prefix.hasPrefix("/"), prefix.utf8.count <= 255,
            prefix.utf8.allSatisfy({ isHostByte($0) || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "~") })
        else { throw .badRequest("header 'X-Forwarded-Prefix' is no path") }
        while prefix.hasSuffix("/") { prefix.removeLast() }
        return prefix
    }

    /// Each proxy on the way appends its own; the first is what the client called.
    private static func first(_ request: HTTPRequest, _ header: String) -> String? {
        guard let value = request.header(header)?.split(separator: ",").first?.filter({ !$0.isWhitespace }),
            !value.isEmpty
        else { return nil }
        return value
    }
}
