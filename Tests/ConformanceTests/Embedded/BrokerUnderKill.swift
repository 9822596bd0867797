// The embedded broker as a process that can be killed at any moment and started again.
import Foundation
import TestSupport

final class BrokerUnderKill {
    let directory: String
    let bootstrap: String
    private let environment: [String: String]
    private var process = Process()

    init(environment: [String: String] = [:]) throws {
        directory = try makeTemporaryDirectory()
        self.environment = environment
        process = try BrokerUnderKill.launch(directory, environment)
        let file = directory + "/bootstrap"
        bootstrap = try eventually(timeout: 20, "the broker's bootstrap file") {
            (try? String(contentsOfFile: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        try awaitReady()
    }

    deinit {
        kill()
        removeDirectory(directory)
    }

    private static func launch(_ directory: String, _ environment: [String: String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: builtBinary("bookstore"))
        process.arguments = ["broker", "--dir", directory]
        process.standardInput = FileHandle.nullDevice
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        process.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try process.runLeashed()
        return process
    }

    private func awaitReady() throws {
        try eventually(timeout: 20, "the broker", every: 2) {
            (try? RawClient(bootstrap: bootstrap).metadata([])) != nil
        }
    }

    var processId: Int32 { process.processIdentifier }

    func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Starts it again in the same directory, where it finds its port, its cluster id and everything else.
    func start() throws {
        process = try BrokerUnderKill.launch(directory, environment)
        try awaitReady()
    }

    func client() throws -> RawClient { try RawClient(bootstrap: bootstrap) }

    func files(_ topic: String, _ partition: Int = 0, suffix: String) -> [String] {
        let path = "\(directory)/logs/\(topic)-\(partition)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(suffix) }.sorted().map { path + "/" + $0 }
    }
}
