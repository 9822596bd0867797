// Chance that can be repeated: the same seed, the same numbers (SplitMix64).

package struct DrillRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// A stream of its own for a part of the drill: what one part draws does not move the others.
    package init(seed: UInt64, stream: UInt64) {
        var mixer = DrillRandom(seed: seed ^ (stream &* 0xd134_2543_de82_ef95))
        state = mixer.next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    package mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<max(1, limit), using: &self) }
    package mutating func number(in range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &self) }
    package mutating func element<T>(of list: [T]) -> T? { list.randomElement(using: &self) }
}
