// A throw-away Apache Kafka for tests, from the distribution in KAFKA_HOME: one KRaft node on loopback.
import Foundation

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
        """
        process.roles=broker,controller
        node.id=1
        controller.listener.names=CONTROLLER
        listeners=PLAINTEXT://127.0.0.1:\(port),CONTROLLER://127.0.0.1:\(controllerPort)
        advertised.listeners=PLAINTEXT://127.0.0.1:\(port),CONTROLLER://127.0.0.1:\(controllerPort)
        listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
        inter.broker.listener.name=PLAINTEXT
        controller.quorum.bootstrap.servers=127.0.0.1:\(controllerPort)
        log.dirs=\(directory)/data
        auto.create.topics.enable=false
        offsets.topic.replication.factor=1
        offsets.topic.num.partitions=4
        transaction.state.log.replication.factor=1
        transaction.state.log.min.isr=1
        transaction.state.log.num.partitions=4
        share.coordinator.state.topic.replication.factor=1
        share.coordinator.state.topic.min.isr=1
        group.initial.rebalance.delay.ms=0
        group.min.session.timeout.ms=1000
        transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
        log.cleaner.dedupe.buffer.size=16777216
        """
    }
}

public struct Failed: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
