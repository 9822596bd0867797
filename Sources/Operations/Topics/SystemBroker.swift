// The broker that the commands beside a running system talk to.
import Kafka
import Platform

enum SystemBroker {
    /// `KAFKA_BOOTSTRAP`, else the broker of what runs in the run directory; security as the `KAFKA_…` variables say.
    static func settings(_ call: Invocation) throws -> KafkaSettings {
        guard let bootstrap = call.settings.text("KAFKA_BOOTSTRAP") ?? running(call) else {
            let run = RunDirectory(call)
            let up = "\(call.system.executable) up\(run.option(call.settings))"
            throw Failure("no broker: nothing runs in \(run.path) ('\(up)' starts it), and KAFKA_BOOTSTRAP is not set")
        }
        return try KafkaSettings.fromEnvironment(call.settings.replacing(["KAFKA_BOOTSTRAP": bootstrap]))
    }

    private static func running(_ call: Invocation) -> String? {
        let run = RunDirectory(call)
        return SupervisorLock.holder(run) == nil ? nil : run.bootstrap
    }
}
