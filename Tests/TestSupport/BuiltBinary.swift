// Executables of the package, built beside the tests.
import Foundation

/// The path of an executable product. The test process is one of the files in the build directory.
public func builtBinary(_ name: String) -> String {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
}
