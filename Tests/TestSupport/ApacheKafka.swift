// A throw-away Apache Kafka for tests, from the distribution in KAFKA_HOME: one KRaft node on loopback.
import Foundation
import Operations

public final class ApacheKafka: @unchecked Sendable {  // everything is set in init and only read afterwards
    /// Whether tests can have one; a test that needs it says `.enabled(if: ApacheKafka.isAvailable, …)`.
    public static var isAvailable: Bool { home != nil }
    public static let home: String? = ProcessInfo.processInfo.environment["KAFKA_HOME"].flatMap {
        FileManager.default.isExecutableFile(atPath: $0 + "/bin/kafka-server-start.sh") ? $0 : nil
    }

    /// One for all tests of a process, started by the first that asks.
    public static let shared = Result { try ApacheKafka() }

    public let bootstrap: String
    private let process: Process
    private let directory: String
    /// The broker lives as long as this end is open: even a test process that is killed leaves none behind.
    private let leash = Pipe()

    private init() throws {
        guard let path = ApacheKafka.home else { throw Failed("KAFKA_HOME is not set") }
        let home = URL(fileURLWithPath: path).standardizedFileURL.path
        directory = try makeTemporaryDirectory()
        let port = try freePort()
        bootstrap = "127.0.0.1:\(port)"
        let properties = directory + "/server.properties"
        try ApacheKafka.properties(port: port, controllerPort: try freePort(), directory: directory)
            .write(toFile: properties, atomically: true, encoding: .utf8)
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", ApacheKafka.script, "kafka", home, properties, directory]
        process.standardInput = leash
        _ = fcntl(leash.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        let log = directory + "/kafka.log"
        try Data().write(to: URL(fileURLWithPath: log))
        process.standardOutput = FileHandle(forWritingAtPath: log)
        process.standardError = process.standardOutput
        try process.run()
        atexit { if case .success(let kafka) = ApacheKafka.shared { kafka.stop() } }
        try eventually(timeout: 60, "the start of Kafka, see \(log)", every: 100) {
            guard process.isRunning else { throw Failed("Kafka ended while starting, see \(log)") }
            return (try? String(contentsOfFile: log, encoding: .utf8))?.contains("Kafka Server started") == true
        }
    }

    private func stop() {
        try? leash.fileHandleForWriting.close()
        process.waitUntilExit()
        removeDirectory(directory)
    }

    /// Runs the broker in a process group of its own and ends the group when standard input ends.
    private static let script = """
        "$1/bin/kafka-storage.sh" format --standalone -t "$("$1/bin/kafka-storage.sh" random-uuid)" -c "$2" || exit 1
        export LOG_DIR="$3/logs" KAFKA_HEAP_OPTS="-Xms128m -Xmx384m"
        setsid "$1/bin/kafka-server-start.sh" "$2" < /dev/null &
        cat > /dev/null
        kill -9 -- -$! 2> /dev/null
        rm -rf "$3"
        """

    public static func properties(port: Int, controllerPort: Int, directory: String) -> String {
        KRaftProperties.text(
            broker: Address(host: "127.0.0.1", port: UInt16(port)),
            controller: Address(host: "127.0.0.1", port: UInt16(controllerPort)), data: directory)
    }
}

public struct Failed: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
