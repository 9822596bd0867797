// A whole system of a test's own: the built binary in a directory of its own, on ports that were free.
import Foundation
import Platform
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Operations

final class TestSystem: Sendable {
    let shape: Shape
    let run: RunDirectory
    let gateway: HTTPClient
    let order: HTTPClient
    private let environment: [String: String]
    private let replicas: String?

    /// Starts it and returns when it is ready. `environment` comes on top of the test's own.
    init(_ shape: Shape, environment extra: [String: String] = [:], replicas: String? = nil) throws {
        self.shape = shape
        self.replicas = replicas ?? shape.replicas
        run = RunDirectory(try makeTemporaryDirectory())
        gateway = HTTPClient(address: Address(host: "127.0.0.1", port: try Port.free()))
        order = HTTPClient(address: Address(host: "127.0.0.1", port: try Port.free()))
        var environment = ProcessInfo.processInfo.environment
        environment["KAFKA_BOOTSTRAP"] = ""
        if shape.broker == .embedded { environment["KAFKA_HOME"] = "" }
        environment["RUN_DIR"] = run.path
        environment["GATEWAY_PORT"] = String(gateway.address.port)
        environment["ORDER_PORT"] = String(order.address.port)
        // The system ends with the test that started it, however that ends.
        environment["UP_WHILE_PID"] = String(getpid())
        environment["SWIFT_BACKTRACE"] = "enable=no"
        // Tests kill the same process again and again, and it did nothing wrong.
        environment["RESTART_HEALTHY_MS"] = "500"
        self.environment = environment.merging(extra) { $1 }
        try up()
    }

    /// One for all tests that do not stop or break it, by shape; ends with the test process.
    static func shared(_ shape: Shape) throws -> TestSystem {
        try sharedSystems.withLock { systems in
            if let system = systems[shape] { return system }
            if systems.isEmpty { atexit { TestSystem.endShared() } }
            let system = try TestSystem(shape)
            systems[shape] = system
            return system
        }
    }

    private static let sharedSystems = Mutex<[Shape: TestSystem]>([:])

    private static func endShared() {
        for system in sharedSystems.withLock({ Array($0.values) }) { system.end() }
    }

    // MARK: - The command line

    /// The binary that was built beside the tests.
    static let binary = builtBinary("bookstore")

    struct Result {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs `bookstore …` against this system and waits for it.
    @discardableResult
    func bookstore(_ arguments: String..., environment extra: [String: String] = [:]) throws -> Result {
        try bookstore(arguments: arguments, environment: extra)
    }

    func bookstore(arguments: [String], environment extra: [String: String] = [:]) throws -> Result {
        try Self.run(arguments, environment: environment.merging(extra) { $1 })
    }

    static func run(_ arguments: [String], environment: [String: String]) throws -> Result {
        // Not with Foundation's Process, which waits for every descendant.
        let files = try makeTemporaryDirectory()
        defer { removeDirectory(files) }
        let output = open(files + "/output", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(output) }
        let pid = try ChildProcess.spawn(
            binary, arguments, environment: environment, logFile: files + "/errors", output: output)
        var raw: Int32 = 0
        while waitpid(pid, &raw, 0) < 0 && errno == EINTR {}
        return Result(
            status: ExitStatus(raw: raw).code ?? -1, output: FileSystem.readText(files + "/output") ?? "",
            errors: FileSystem.readText(files + "/errors") ?? "")
    }

    // MARK: - Life

    func up() throws {
        var arguments = ["up", "--detach"]
        if let replicas { arguments += ["--replicas", replicas] }
        let result = try Self.run(arguments, environment: environment)
        guard result.status == 0 else {
            throw NoAnswer(description: "the system did not start:\n\(result.output)\(result.errors)")
        }
    }

    func down() throws { try bookstore("down") }

    /// Stops it and removes what it left; its logs are shown when the caller asks for it.
    func end() {
        _ = try? down()
        removeDirectory(run.path)
    }

    func pid(_ instance: String) -> pid_t? { Leftovers.pid(of: instance, run) }

    /// SIGKILL, as a crash. The supervisor starts it again under the same name.
    @discardableResult
    func kill(_ instance: String, signal: Int32 = SIGKILL) throws -> pid_t {
        let pid = try eventually("\(instance) has a pid") { self.pid(instance) }
        Foundation.kill(pid, signal)
        return pid
    }

    /// Waits until another process of this name is there and ready.
    func awaitRestart(_ instance: String, after old: pid_t) throws {
        try eventually(timeout: 30, "\(instance) is back") {
            guard let pid = pid(instance), pid != old else { return false }
            guard !instance.hasPrefix("gateway"), !instance.hasPrefix("broker") else { return true }
            guard let beat = Heartbeat(path: run.healthFile(instance)) else { return false }
            return beat.isReady && beat.pid == Int64(pid)
        }
    }

    func log(_ instance: String) -> String { FileSystem.readText(run.logFile(instance)) ?? "" }
}
