// Takes a request target apart: path segments and query, percent-decoded, with everything doubtful refused.

struct RequestTarget {
    var path = ""
    var segments: [String] = []
    var rawQuery = ""
    var query: [(name: String, value: String)] = []

    init(_ bytes: Span<UInt8>, queryParametersMax: Int) throws(Refusal) {
        // First of all and with empty ones counted: the daemon has already made room for each of them.
        var ampersands = 0
        for index in bytes.indices where bytes[index] == ampersand { ampersands += 1 }
        guard ampersands < queryParametersMax else { throw .tooManyParameters(queryParametersMax) }
        let bytes = bytes.extracting(bytes.originCount...)
        for index in bytes.indices where bytes[index] <= 0x20 || bytes[index] == 0x7F || bytes[index] == numberSign {
            throw .badRequest("The request target holds a character that must be percent-encoded.")
        }
        let pathEnd = bytes.firstIndex(of: questionMark, from: 0) ?? bytes.count
        path = try text(bytes.extracting(0..<pathEnd))
        // `OPTIONS *` asks about the server as a whole.
        if path != "*" { segments = try Self.segments(bytes.extracting(0..<pathEnd)) }
        guard pathEnd < bytes.count else { return }
        let queryBytes = bytes.extracting((pathEnd + 1)...)
        rawQuery = try text(queryBytes)
        query = try Self.parameters(queryBytes)
    }

    /// The path of a target that makes no sense, as logs can show it: short, and printable whatever was sent.
    static func beginning(of bytes: Span<UInt8>) -> String {
        var text = ""
        for index in bytes.indices.prefix(shownBytesMax) {
            // A query may hold names and addresses of people.
            if bytes[index] == questionMark { break }
            let isPrintable = (0x21...0x7E).contains(bytes[index])
            text.unicodeScalars.append(isPrintable ? Unicode.Scalar(bytes[index]) : "\u{FFFD}")
        }
        return text
    }

    private static let shownBytesMax = 200

    private static func segments(_ path: Span<UInt8>) throws(Refusal) -> [String] {
        guard path.isEmpty || path[0] == slash else { throw .badRequest("The path does not begin with a slash.") }
        var segments: [String] = []
        var start = 1
        while start < path.count {
            let end = path.firstIndex(of: slash, from: start) ?? path.count
            let segment = try decoded(path.extracting(start..<end), plusIsSpace: false)
            // Decoded first, so that %2e%2e is no way around. A slash inside a segment is refused because proxies
            // disagree about what it means; a NUL because C strings end there.
            guard segment != ".", segment != "..", !segment.utf8.contains(slash) else {
                throw .badRequest("The path holds a dot segment or an encoded slash.")
            }
            segments.append(segment)
            start = end + 1
        }
        return segments
    }

    private static func parameters(_ query: Span<UInt8>) throws(Refusal) -> [(name: String, value: String)] {
        var parameters: [(name: String, value: String)] = []
        var start = 0
        while start < query.count {
            let end = query.firstIndex(of: ampersand, from: start) ?? query.count
            if end > start {
                let parameter = query.extracting(start..<end)
                let equals = parameter.firstIndex(of: equalsSign, from: 0) ?? parameter.count
                let name = try decoded(parameter.extracting(0..<equals), plusIsSpace: true)
                let value =
                    equals < parameter.count
                    ? try decoded(parameter.extracting((equals + 1)...), plusIsSpace: true) : ""
                parameters.append((name: name, value: value))
            }
            start = end + 1
        }
        return parameters
    }

    private static func decoded(_ bytes: Span<UInt8>, plusIsSpace: Bool) throws(Refusal) -> String {
        let encoded =
            bytes.firstIndex(of: percent, from: 0) != nil || (plusIsSpace && bytes.firstIndex(of: plus, from: 0) != nil)
        guard encoded else { return try text(bytes) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case percent:
                guard index + 2 < bytes.count, let high = hexDigit(bytes[index + 1]),
                    let low = hexDigit(bytes[index + 2]), high | low != 0
                else { throw .badRequest("A percent sign is not followed by two hexadecimal digits other than 00.") }
                decoded.append(high << 4 | low)
                index += 3
            case plus where plusIsSpace:
                decoded.append(0x20)
                index += 1
            case let byte:
                decoded.append(byte)
                index += 1
            }
        }
        return try text(decoded.span)
    }
}

private let slash = UInt8(ascii: "/")
private let questionMark = UInt8(ascii: "?")
private let numberSign = UInt8(ascii: "#")
private let ampersand = UInt8(ascii: "&")
private let equalsSign = UInt8(ascii: "=")
private let percent = UInt8(ascii: "%")
private let plus = UInt8(ascii: "+")

private func text(_ bytes: Span<UInt8>) throws(Refusal) -> String {
    do {
        return String(copying: try UTF8Span(validating: bytes))
    } catch {
        throw .badRequest("The request target is not UTF-8.")
    }
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

extension Span<UInt8> {
    fileprivate func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        var index = start
        while index < count {
            if self[index] == byte { return index }
            index += 1
        }
        return nil
    }

    /// Bytes of `http://host:port` at the front: such a target means the same as the path alone, and HTTP/1.1 obliges
    /// servers to take both.
    fileprivate var originCount: Int {
        for scheme in ["http://", "https://"] where hasPrefix(ignoringCase: scheme.utf8) {
            var end = scheme.utf8.count
            while end < count, self[end] != slash, self[end] != questionMark { end += 1 }
            return end
        }
        return 0
    }

    private func hasPrefix(ignoringCase prefix: String.UTF8View) -> Bool {
        guard count >= prefix.count else { return false }
        for (index, byte) in zip(indices, prefix) where self[index] | 0x20 != byte | 0x20 { return false }
        return true
    }
}
