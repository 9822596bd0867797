// A directory of a test's own, gone when the test is over.
import Foundation

/// Runs `body` with a fresh directory and removes it afterwards, whatever happened.
public func withTemporaryDirectory<R>(_ body: (String) throws -> R) throws -> R {
    let path = try makeTemporaryDirectory()
    defer { removeDirectory(path) }
    return try body(path)
}

/// The same for a body that waits.
public func withTemporaryDirectory<R>(
    isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> R
) async throws -> R {
    let path = try makeTemporaryDirectory()
    defer { removeDirectory(path) }
    return try await body(path)
}

/// For what lives longer than a closure; the caller removes it.
public func makeTemporaryDirectory() throws -> String {
    let path = NSTemporaryDirectory() + "/cna-" + UUID().uuidString.lowercased()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}

public func removeDirectory(_ path: String) {
    // For a look at what a failed test left behind.
    if ProcessInfo.processInfo.environment["KEEP_FILES"] != nil { return print("kept \(path)") }
    try? FileManager.default.removeItem(atPath: path)
}
