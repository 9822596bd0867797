// Whatever a process of the system will read is read before any of them is started.
import Contract
import Platform
import TestSupport
import Testing
import Worker

@testable import Operations

@Suite struct SettingsCheckTests {
    /// A service with an entrance and a setting of its own.
    private static let system: SystemDescription = {
        let contract = ServiceContract("shop", resources: [Sample.things], ownPort: 8081, "Keeps things")
        return SystemDescription(
            executable: "sample", version: "0",
            contract: SystemContract("sample", title: "Sample", services: [contract], "A sample."),
            services: [
                .init(contract) { settings in
                    _ = try settings.integer("SHOP_WINDOWS", default: 1, in: 1...2)
                    return Service(contract, migrations: []) { _ in }
                }
            ])
    }()

    private func mistake(_ variables: [String: String]) -> String? {
        do {
            try SettingsCheck.everything(Self.system, Settings(variables))
            return nil
        } catch {
            return (error as? SettingsError)?.variable ?? "\(error)"
        }
    }

    @Test func theDefaultsMakeSense() {
        #expect(mistake([:]) == nil)
        #expect(mistake(["KAFKA_BOOTSTRAP": "kafka:9092"]) == nil)
    }

    @Test(arguments: [
        ("UP_WAIT_MS", "1"), ("UP_WHILE_PID", "abc"), ("RESTART_HEALTHY_MS", "-1"), ("LOG_BYTES_MAX", "1"),
        ("KAFKA_BOOTSTRAP", "kafka"), ("KAFKA_HOME", "/nonexistent"), ("BROKER_SEGMENT_BYTES", "1"),
        ("SHARDS", "0"), ("EVENTS_RETENTION_HOURS", "0"), ("TOPICS_WAIT_MS", "-1"),
        ("KAFKA_SECURITY_PROTOCOL", "foo"), ("KAFKA_SASL_USERNAME", "me"), ("BREAKER_FAILURES", "0"),
        ("SHOP_WINDOWS", "3"), ("SHOP_PORT", "x"), ("GATEWAY_PORT", "x"), ("LISTEN_ADDRESS", "localhost"),
        ("LISTEN_ADDRESS", "192.0.2.1"), ("INGRESS_LINGER_SECONDS", "61"), ("EDGE_POLL_MILLISECONDS", "1"),
        ("EDGE_STOP_MILLISECONDS", "x"), ("ACCESS_LOG", "maybe"),
    ])
    func aMistakeIsFoundWhoeverWouldReadIt(variable: String, value: String) {
        #expect(mistake([variable: value]) == variable)
    }

    /// It belongs to a process that is not started.
    @Test func theEmbeddedBrokerIsAskedOnlyWhereItRuns() {
        #expect(mistake(["KAFKA_BOOTSTRAP": "kafka:9092", "BROKER_SEGMENT_BYTES": "1"]) == nil)
    }
}
