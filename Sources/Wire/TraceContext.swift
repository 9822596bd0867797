import Platform

// W3C Trace Context: `00-<trace id>-<span id>-<flags>`, carried from the edge through every message of a saga. Kept as
// numbers: every message has one, and most only pass it on.
public struct TraceContext: Sendable, Equatable {
    private let traceHigh: UInt64
    private let traceLow: UInt64
    private let span: UInt64
    private let flagBits: UInt8

    /// A new trace.
    public init() {
        self.init(traceHigh: Identifier.number(), traceLow: Identifier.number(), span: Identifier.number(), flagBits: 1)
    }

    private init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, flagBits: UInt8) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.span = span
        self.flagBits = flagBits
    }

    /// Nil for anything the recommendation calls invalid; the caller then starts a new trace.
    public init?(header: String) {
        let text = Array(header.utf8)
        let dash = UInt8(ascii: "-")
        // A version that is newer than ours may carry more behind the flags.
        guard text.count >= 55, text[2] == dash, text[35] == dash, text[52] == dash,
            let version = Self.number(text[0..<2]), version != 0xff,
            text.count == 55 || (version != 0 && text[55] == dash),
            let high = Self.number(text[3..<19]), let low = Self.number(text[19..<35]), high | low != 0,
            let span = Self.number(text[36..<52]), span != 0, let flags = Self.number(text[53..<55])
        else { return nil }
        self.init(traceHigh: high, traceLow: low, span: span, flagBits: UInt8(truncatingIfNeeded: flags))
    }

    public var traceID: String { Self.hex([(traceHigh, 16), (traceLow, 16)]) }
    public var spanID: String { Self.hex([(span, 16)]) }
    public var flags: String { Self.hex([(UInt64(flagBits), 2)]) }

    public var header: String {
        var text: [UInt8] = []
        text.reserveCapacity(55)
        text.append(contentsOf: "00-".utf8)
        Self.write(traceHigh, digits: 16, to: &text)
        Self.write(traceLow, digits: 16, to: &text)
        text.append(UInt8(ascii: "-"))
        Self.write(span, digits: 16, to: &text)
        text.append(UInt8(ascii: "-"))
        Self.write(UInt64(flagBits), digits: 2, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The next step of the same trace.
    public func child() -> TraceContext {
        TraceContext(traceHigh: traceHigh, traceLow: traceLow, span: Identifier.number(), flagBits: flagBits)
    }

    /// Lower-case digits only, as the recommendation has it.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: number = number << 4 | UInt64(digit - 0x30)
            case 0x61...0x66: number = number << 4 | UInt64(digit - 0x57)
            default: return nil
            }
        }
        return number
    }

    private static func hex(_ parts: [(number: UInt64, digits: Int)]) -> String {
        var text: [UInt8] = []
        for part in parts { write(part.number, digits: part.digits, to: &text) }
        return String(decoding: text, as: UTF8.self)
    }

    private static func write(_ number: UInt64, digits: Int, to text: inout [UInt8]) {
        for place in stride(from: (digits - 1) * 4, through: 0, by: -4) {
            let half = UInt8(truncatingIfNeeded: number >> UInt64(place)) & 15
            text.append(half < 10 ? 0x30 + half : 0x57 + half)
        }
    }
}
