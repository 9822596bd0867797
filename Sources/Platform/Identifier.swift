// Random identifiers: unique without anybody to ask.
import Synchronization

public enum Identifier {
    /// Lower-case hexadecimal digits, two a byte: 16 bytes make a W3C trace id, 8 a span id.
    public static func hex(bytes: Int) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes * 2)
        var word: UInt64 = 0
        for place in 0..<bytes {
            if place % 8 == 0 { word = next() }
            text.append(digit(UInt8(truncatingIfNeeded: word >> 4) & 15))
            text.append(digit(UInt8(truncatingIfNeeded: word) & 15))
            word >>= 8
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Never zero, which W3C's trace context forbids.
    public static func number() -> UInt64 { max(1, next()) }

    /// SplitMix64 over a counter that starts at random: every step is another number, and no system call is made for it.
    private static let counter = Atomic<UInt64>(UInt64.random(in: .min ... .max))

    private static func next() -> UInt64 {
        var word = counter.wrappingAdd(0x9e37_79b9_7f4a_7c15, ordering: .relaxed).newValue
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    private static func digit(_ half: UInt8) -> UInt8 { half < 10 ? 0x30 + half : 0x57 + half }
}

/// A hash that is the same in every process and release (FNV-1a, 64 bits); Swift's own is seeded anew each run.
public struct StableHash: Sendable {
    public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    public init() {}

    public static func of(_ text: String) -> UInt64 {
        var hash = StableHash()
        hash.combine(text)
        return hash.value
    }

    // Two of a kind and not one generic function: other modules would call that byte by byte through a table.
    public mutating func combine(_ text: String) {
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    }

    public mutating func combine(_ bytes: [UInt8]) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    }
}
