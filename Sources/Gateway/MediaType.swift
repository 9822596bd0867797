// What representations there are, which of them a client accepts, and which it may send.
import Contract
import Ingress
import Wire

enum MediaType {
    static let hal = "application/hal+json;charset=UTF-8"
    static let json = "application/json;charset=UTF-8"
    static let alps = "application/alps+json"

    /// The type to answer with, or 406. A HAL resource is offered as both, a plain one as JSON alone.
    static func negotiated(_ accept: String?, for representation: Resource.Representation) throws(Problem) -> String {
        // What nearly all clients send needs no taking apart.
        switch (accept, representation) {
        case (nil, .hal), ("", .hal), ("*/*", .hal), ("application/hal+json", .hal): return hal
        case (nil, .plain), ("", .plain), ("*/*", .plain), ("application/json", _), ("application/json, */*;q=0.5", _):
            return json
        default: break
        }
        let offers = representation == .hal ? [hal, json] : [json]
        let ranges = AcceptRange.list(accept ?? "*/*")
        let marks = offers.map { offer in (offer: offer, mark: AcceptRange.mark(of: offer, among: ranges)) }
        guard let best = marks.max(by: { $0.mark < $1.mark }), best.mark.quality > 0 else {
            throw Problem(406, "only \(offers.map(bare).joined(separator: " and ")) can be answered here")
        }
        return best.offer
    }

    /// JSON in any of its names, or no type at all. Throws 415 for others; the answer says what is taken.
    static func checkBody(_ request: HTTPRequest, _ method: Method) throws(Problem) {
        if let coding = request.header("Content-Encoding"), coding.lowercased() != "identity" {
            throw Problem(415, "a body in content coding '\(coding.prefix(80))' is not taken, only a plain one")
        }
        guard let header = request.header("Content-Type"), !header.isEmpty else { return }
        let type = bare(header).lowercased()
        let isJSON = type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json"))
        // A JSON patch is JSON, but a list of steps and no object with fields.
        guard isJSON, type != "application/json-patch+json" else {
            throw Problem(415, "a body of type '\(type.prefix(80))' is not taken, only \(taken(method))")
        }
    }

    static func taken(_ method: Method) -> String {
        method == .patch
            ? "application/json, application/merge-patch+json" : "application/json, application/hal+json"
    }

    /// Without parameters.
    static func bare(_ type: String) -> String {
        let end = type.utf8.firstIndex(of: UInt8(ascii: ";")) ?? type.endIndex
        return String(type[..<end].filter { !$0.isWhitespace })
    }
}

/// One entry of an `Accept` header.
struct AcceptRange {
    let type: Substring
    let subtype: Substring
    let quality: Double

    /// How much a client wants an offer; compared field by field.
    struct Mark {
        var quality = 0.0
        var specificity = 0
        /// Earlier entries are wanted more.
        var place = Int.min
        /// Between two offers that one range covers: `*/*` is answered with HAL, `application/*` with JSON, as the original does.
        var preference = 0

        static func < (one: Mark, other: Mark) -> Bool {
            (one.quality, one.specificity, one.place, one.preference)
                < (other.quality, other.specificity, other.place, other.preference)
        }
    }

    static let rangesMax = 64

    static func list(_ header: String) -> [AcceptRange] {
        header.lowercased().split(separator: ",").prefix(rangesMax).compactMap { entry in
            let parts = entry.split(separator: ";").map(trimmed)
            guard let range = parts.first?.split(separator: "/", omittingEmptySubsequences: false), range.count == 2
            else { return nil }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            return AcceptRange(
                type: range[0], subtype: range[1], quality: quality.isFinite ? min(1, max(0, quality)) : 0)
        }
    }

    /// The most specific range that covers the offer decides, as RFC 9110 has it.
    static func mark(of offer: String, among ranges: [AcceptRange]) -> Mark {
        var best = Mark()
        let name = MediaType.bare(offer)
        let isHAL = offer == MediaType.hal
        for (place, range) in ranges.enumerated() {
            let specificity: Int
            let preference: Int
            switch (range.type, range.subtype) {
            case ("*", "*"): (specificity, preference) = (1, isHAL ? 1 : 0)
            case ("application", "*"): (specificity, preference) = (2, isHAL ? 0 : 1)
            case ("application", "*+json") where isHAL: (specificity, preference) = (3, 1)
            case ("application", let subtype) where name == "application/" + subtype: (specificity, preference) = (4, 1)
            default: continue
            }
            guard specificity > best.specificity else { continue }
            best = Mark(quality: range.quality, specificity: specificity, place: -place, preference: preference)
        }
        return best
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
