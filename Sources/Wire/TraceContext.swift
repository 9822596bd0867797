import Platform

// W3C Trace Context: `00-<trace id>-<span id>-<flags>`, carried from the edge through every message of a saga.
public struct TraceContext: Sendable, Equatable {
    public let traceID: String
    public let spanID: String
    public let flags: String

    /// A new trace.
    public init() {
        traceID = Identifier.hex(bytes: 16)
        spanID = Identifier.hex(bytes: 8)
        flags = "01"
    }

    private init(traceID: String, spanID: String, flags: String) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags
    }

    /// Nil for anything the recommendation calls invalid; the caller then starts a new trace.
    public init?(header: String) {
        let parts = header.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0] != "ff", parts[0] != "00" || parts.count == 4,
            Self.isHex(parts[0], 2), Self.isHex(parts[1], 32), Self.isHex(parts[2], 16), Self.isHex(parts[3], 2),
            parts[1].contains(where: { $0 != "0" }), parts[2].contains(where: { $0 != "0" })
        else { return nil }
        self.init(traceID: String(parts[1]), spanID: String(parts[2]), flags: String(parts[3]))
    }

    public var header: String { "00-\(traceID)-\(spanID)-\(flags)" }

    /// The next step of the same trace.
    public func child() -> TraceContext {
        TraceContext(traceID: traceID, spanID: Identifier.hex(bytes: 8), flags: flags)
    }

    private static func isHex(_ text: Substring, _ length: Int) -> Bool {
        text.utf8.count == length && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
