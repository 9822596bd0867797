// Random identifiers: unique without anybody to ask.
public enum Identifier {
    /// Lower-case hexadecimal digits, two a byte: 16 bytes make a W3C trace id, 8 a span id.
    public static func hex(bytes: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        var text = ""
        text.reserveCapacity(bytes * 2)
        for _ in 0..<bytes {
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            text.unicodeScalars.append(digit(byte >> 4))
            text.unicodeScalars.append(digit(byte & 15))
        }
        return text
    }

    private static func digit(_ half: UInt8) -> Unicode.Scalar {
        Unicode.Scalar(half < 10 ? 0x30 + half : 0x57 + half)
    }
}

/// A hash that is the same in every process and release (FNV-1a, 64 bits); Swift's own is seeded anew each run.
public struct StableHash: Sendable {
    public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    public init() {}

    public static func of(_ text: String) -> UInt64 {
        var hash = StableHash()
        hash.combine(text.utf8)
        return hash.value
    }

    public mutating func combine(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    }
}
