// Waiting for a condition instead of sleeping and hoping.
import Foundation

public struct NeverHappened: Error, CustomStringConvertible {
    public let description: String
}

/// Asks `condition` again and again until it holds; throws after `timeout` seconds with what was waited for.
public func eventually(
    timeout seconds: Double = 10, _ what: String = "the condition", every milliseconds: UInt32 = 10,
    _ condition: () throws -> Bool
) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            throw NeverHappened(description: "\(what) did not happen within \(seconds) s")
        }
        usleep(milliseconds * 1000)
    }
}

/// The same for a condition that yields something: the first value that is not nil.
public func eventually<R>(
    timeout seconds: Double = 10, _ what: String = "the value", every milliseconds: UInt32 = 10,
    _ value: () throws -> R?
) throws -> R {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if let found = try value() { return found }
        guard ContinuousClock.now < deadline else {
            throw NeverHappened(description: "\(what) did not come within \(seconds) s")
        }
        usleep(milliseconds * 1000)
    }
}
