// The settings of every process that `up` or a drill starts, read and checked before any of them is started.
import Broker
import Gateway
import Kafka
package import Platform
import Worker

package enum SettingsCheck {
    /// A setting that makes no sense would end its process again and again, while the supervisor only sees that it does
    /// not get ready.
    package static func everything(_ system: SystemDescription, _ settings: Settings) throws {
        _ = try UpSettings(settings)
        let broker = try BrokerChoice(settings)
        if case .embedded = broker { _ = try BrokerSettings(settings) }
        _ = try TopicSettings(settings)
        // Where a broker of our own will be is known once it is there.
        let connected = settings.replacing(["KAFKA_BOOTSTRAP": settings.text("KAFKA_BOOTSTRAP") ?? "127.0.0.1:0"])
        for program in system.services { _ = try worker(program, connected) }
        try gateway(connected)
    }

    /// Those of one process of a service, which is made from them.
    static func worker(_ program: SystemDescription.Program, _ settings: Settings) throws -> Service {
        _ = try KafkaSettings.fromEnvironment(settings)
        _ = try WorkerLimits(settings)
        if program.contract.ownPort != nil { try OwnEdge.check(program.contract, settings) }
        return try program.make(settings)
    }

    static func gateway(_ settings: Settings) throws {
        _ = try KafkaSettings.fromEnvironment(settings)
        _ = try WorkerLimits(settings)
        try GatewayProcess.check(settings)
    }
}

/// What the supervisor itself is told, beside its back-off and the bound of its logs.
struct UpSettings {
    /// How long `up` waits until everything is ready.
    let patienceMilliseconds: Int64
    /// The process with which everything ends; 0 when it ends only on request.
    let owner: Int32

    init(_ settings: Settings) throws(SettingsError) {
        patienceMilliseconds = try settings.integer("UP_WAIT_MS", default: 180_000, in: 1_000...3_600_000)
        owner = try settings.integer("UP_WHILE_PID", default: 0, in: 0...Int32.max)
        // Read once more where they are used.
        _ = try Backoff(settings)
        _ = try LogRotation(settings: settings)
    }
}
