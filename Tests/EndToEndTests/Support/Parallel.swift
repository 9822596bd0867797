// Many clients at once, each on a thread of its own: what they do blocks.
import Foundation
import Synchronization

/// Runs `body` for 0..<count at the same time and returns what came out, in that order.
func atOnce<Value: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Value) throws -> [Value] {
    let results = Results<Value>(count)
    let group = DispatchGroup()
    for number in 0..<count {
        group.enter()
        Thread.detachNewThread {
            let result = Result { try body(number) }
            results.values.withLock { $0[number] = result }
            group.leave()
        }
    }
    group.wait()
    return try results.values.withLock { try $0.map { try $0!.get() } }
}

private final class Results<Value: Sendable>: Sendable {
    let values: Mutex<[Result<Value, any Error>?]>
    init(_ count: Int) { values = Mutex(Array(repeating: nil, count: count)) }
}
