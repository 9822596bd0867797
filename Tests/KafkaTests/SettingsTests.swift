// Settings from the environment: what is missing or wrong is named, and no secret is shown.
import Foundation
import Kafka
import Platform
import TestSupport
import Testing

@Suite struct SettingsTests {
    private func settings(_ variables: [String: String]) throws -> KafkaSettings {
        try KafkaSettings.fromEnvironment(Settings(variables))
    }

    private func problem(_ variables: [String: String]) -> String? {
        do {
            _ = try KafkaSettings.fromEnvironment(Settings(variables))
            return nil
        } catch {
            return error.variable
        }
    }

    @Test func theBootstrapIsEnough() throws {
        #expect(try settings(["KAFKA_BOOTSTRAP": "kafka:9092"]).bootstrap == "kafka:9092")
        #expect(problem([:]) == "KAFKA_BOOTSTRAP")
    }

    @Test func whatIsWrongIsNamed() throws {
        try withTemporaryDirectory { directory in
            let password = directory + "/password"
            try "geheim\n".write(toFile: password, atomically: true, encoding: .utf8)
            let base = ["KAFKA_BOOTSTRAP": "kafka:9092"]
            let cases: [(variable: String, with: [String: String])] = [
                ("KAFKA_SECURITY_PROTOCOL", ["KAFKA_SECURITY_PROTOCOL": "TLS"]),
                ("KAFKA_SSL_CA_LOCATION", ["KAFKA_SSL_CA_LOCATION": directory + "/absent.pem"]),
                ("KAFKA_SSL_KEY_LOCATION", ["KAFKA_SSL_KEY_LOCATION": directory + "/absent.key"]),
                ("KAFKA_SASL_USERNAME", ["KAFKA_SECURITY_PROTOCOL": "SASL_SSL"]),
                (
                    "KAFKA_SASL_PASSWORD_FILE",
                    ["KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "u"]
                ),
                (
                    "KAFKA_SASL_PASSWORD_FILE",
                    [
                        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "u",
                        "KAFKA_SASL_PASSWORD_FILE": directory + "/absent",
                    ]
                ),
                (
                    "KAFKA_SASL_MECHANISM",
                    ["KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "GSSAPI"]
                ),
                ("KAFKA_SASL_USERNAME", ["KAFKA_SASL_USERNAME": "u"]),
                ("KAFKA_SASL_PASSWORD_FILE", ["KAFKA_SASL_PASSWORD_FILE": password]),
                ("KAFKA_SASL_MECHANISM", ["KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SASL_MECHANISM": "PLAIN"]),
                ("KAFKA_MESSAGE_MAX_BYTES", ["KAFKA_MESSAGE_MAX_BYTES": "many"]),
            ]
            for (variable, with) in cases {
                #expect(problem(base.merging(with) { $1 }) == variable, "\(with)")
            }
        }
    }

    @Test func aPasswordIsReadAndNeverShown() throws {
        try withTemporaryDirectory { directory in
            let password = directory + "/password"
            try "geheim\n".write(toFile: password, atomically: true, encoding: .utf8)
            let settings = try settings([
                "KAFKA_BOOTSTRAP": "127.0.0.1:1", "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
                "KAFKA_SASL_MECHANISM": "SCRAM-SHA-256", "KAFKA_SASL_USERNAME": "u",
                "KAFKA_SASL_PASSWORD_FILE": password,
            ])
            var dumped = ""
            dump(settings, to: &dumped)
            for text in ["\(settings)", String(reflecting: settings), dumped] {
                #expect(!text.contains("geheim"))
            }
            #expect("\(settings)".contains("sasl.username=u"))
            // The handle takes it; a wrong property would be an error here.
            _ = try Producer(settings, clientID: "p")
        }
    }

    @Test func aFileThatIsNoCertificateIsAnErrorWithItsProperty() throws {
        try withTemporaryDirectory { directory in
            let file = directory + "/ca.pem"
            try "no certificate".write(toFile: file, atomically: true, encoding: .utf8)
            let settings = try settings([
                "KAFKA_BOOTSTRAP": "127.0.0.1:1", "KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_LOCATION": file,
            ])
            #expect { try Producer(settings, clientID: "p") } throws: {
                ($0 as? KafkaError)?.remedy == .fixConfiguration && "\($0)".contains("ssl.ca.location")
            }
        }
    }

    @Test func aPropertyTheLibraryRefusesIsNamed() throws {
        let settings = KafkaSettings(bootstrap: "127.0.0.1:1")
        final class Nobody: RebalanceListener {
            func assigned(_ partitions: [TopicPartition], by consumer: GroupConsumer) -> [Position]? { nil }
            func revoked(_ partitions: [TopicPartition], lost: Bool) {}
        }
        #expect {
            try GroupConsumer(settings, group: "g", instance: nil, sessionTimeoutMilliseconds: -1, listener: Nobody())
        } throws: { ($0 as? KafkaError)?.remedy == .fixConfiguration }
        #expect {
            try TransactionalProducer(settings, transactionalID: "x", transactionTimeoutMilliseconds: 1)
        } throws: { "\($0)".contains("transaction.timeout.ms") }
    }
}
