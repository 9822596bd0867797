// How long tests with random input go on: FUZZ_SECONDS, three seconds unless somebody says otherwise.
import Foundation

public let fuzzSeconds = Double(ProcessInfo.processInfo.environment["FUZZ_SECONDS"] ?? "") ?? 3
