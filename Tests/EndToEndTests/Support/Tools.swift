// The clients people use: found on this machine, or the test is skipped with a word about it.
import Foundation
import TestSupport
import Wire

@testable import Operations

enum Tool {
    static func path(_ name: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    static func isThere(_ name: String) -> Bool { path(name) != nil }

    /// Runs a program to its end with this standard input; one that hangs is killed and fails its test.
    static func run(
        _ name: String, _ arguments: [String], input: String = "", environment: [String: String] = [:],
        timeoutSeconds: Double = 180
    ) throws -> TestSystem.Result {
        guard let path = name.hasPrefix("/") ? name : path(name) else { throw Failed("there is no \(name)") }
        return try withTemporaryDirectory { directory in
            for file in ["in", "out", "err"] {
                try Data(file == "in" ? Array(input.utf8) : []).write(to: URL(fileURLWithPath: "\(directory)/\(file)"))
            }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = arguments
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            process.standardInput = FileHandle(forReadingAtPath: "\(directory)/in")
            process.standardOutput = FileHandle(forWritingAtPath: "\(directory)/out")
            process.standardError = FileHandle(forWritingAtPath: "\(directory)/err")
            try process.runLeashed()
            do {
                try eventually(timeout: timeoutSeconds, "the end of \(name) \(arguments)") { !process.isRunning }
            } catch {
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
                throw error
            }
            func text(_ file: String) throws -> String {
                String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(file)")), as: UTF8.self)
            }
            return TestSystem.Result(
                status: process.terminationStatus, output: try text("out"), errors: try text("err"))
        }
    }
}

extension TestSystem {
    /// Puts one line into a topic, as a person with kcat does.
    func publish(_ line: String, to topic: String, partition: Int64, key: String? = nil, headers: [String] = []) throws
    {
        var arguments = ["-P", "-b", bootstrap, "-t", topic, "-p", String(partition), "-c", "1", "-D", "\u{3}"]
        if let key { arguments += ["-k", key] }
        for header in headers { arguments += ["-H", header] }
        let result = try Tool.run("kcat", arguments, input: line)
        guard result.status == 0 else { throw Failed("kcat: \(result.errors)") }
    }

    func publishEvent(_ line: String, ofOrder id: Int64) throws {
        try publish(line, to: "cnabookstore", partition: (id - 1) % Self.shards, key: String(id))
    }

    /// Where the dead letters came from: `topic/partition/offset`, and the service that could not use them.
    func deadLetters() throws -> [(origin: String, service: String, reason: String)] {
        let result = try bookstore("dead-letters", "list", "--json")
        guard result.status == 0 else { throw Failed("dead-letters: \(result.errors)") }
        return result.output.split(separator: "\n").compactMap { line in
            guard let letter = try? JSON(parsing: Array(line.utf8)) else { return nil }
            let headers = letter["headers"]
            let origin = ["original-topic", "original-partition", "original-offset"].map { headers[$0].string ?? "?" }
            return (origin.joined(separator: "/"), headers["service"].string ?? "?", headers["reason"].string ?? "?")
        }
    }
}
