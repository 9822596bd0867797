// Where Kafka is, how to be let in, and the bounds of every handle.

internal import Glibc
public import Platform

public struct KafkaSettings: Sendable, CustomStringConvertible {
    public let bootstrap: String
    /// The largest record sent or received: a reply may carry a long list.
    public var messageMaxBytes = 8 << 20
    /// What a consumer or reader fetches ahead of its polls. Past it librdkafka looks again only a second later.
    public var fetchQueueKilobytes = 65_536
    /// What a producer holds until the broker has it.
    public var sendQueueKilobytes = 65_536

    /// librdkafka's security properties, but the password.
    private var security: [(name: String, value: String)] = []
    private var password: Secret?

    /// A broker without security.
    public init(bootstrap: String) {
        self.bootstrap = bootstrap
    }

    /// Reads the `KAFKA_…` variables. The password comes from a file, as secrets in arguments and variables are seen.
    public static func fromEnvironment(_ environment: Settings = .process) throws(SettingsError) -> KafkaSettings {
        guard let bootstrap = environment.text("KAFKA_BOOTSTRAP") else {
            throw SettingsError("KAFKA_BOOTSTRAP", "is not set, expected host:port of a Kafka broker")
        }
        var settings = KafkaSettings(bootstrap: bootstrap)
        settings.messageMaxBytes = try environment.integer(
            "KAFKA_MESSAGE_MAX_BYTES", default: settings.messageMaxBytes, in: 65_536...(64 << 20))
        settings.fetchQueueKilobytes = try environment.integer(
            "KAFKA_FETCH_QUEUE_KILOBYTES", default: settings.fetchQueueKilobytes, in: 1_024...1_048_576)
        settings.sendQueueKilobytes = try environment.integer(
            "KAFKA_SEND_QUEUE_KILOBYTES", default: settings.sendQueueKilobytes, in: 1_024...1_048_576)
        try settings.readSecurity(environment)
        return settings
    }

    private mutating func readSecurity(_ environment: Settings) throws(SettingsError) {
        let protocols = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
        let chosen = try environment.choice("KAFKA_SECURITY_PROTOCOL", default: "PLAINTEXT", of: protocols)
        security.append(("security.protocol", chosen))
        let files = [
            ("KAFKA_SSL_CA_LOCATION", "ssl.ca.location"),
            ("KAFKA_SSL_CERTIFICATE_LOCATION", "ssl.certificate.location"),
            ("KAFKA_SSL_KEY_LOCATION", "ssl.key.location"),
        ]
        for (variable, property) in files {
            guard let path = environment.text(variable) else { continue }
            guard unsafe access(path, R_OK) == 0 else { throw unreadable(variable, path) }
            security.append((property, path))
        }
        guard chosen.hasPrefix("SASL") else { return try Self.refuseLogin(environment, chosen) }
        let mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
        security.append(
            ("sasl.mechanism", try environment.choice("KAFKA_SASL_MECHANISM", default: "PLAIN", of: mechanisms)))
        guard let user = environment.text("KAFKA_SASL_USERNAME") else {
            throw SettingsError("KAFKA_SASL_USERNAME", "is not set, but KAFKA_SECURITY_PROTOCOL is \(chosen)")
        }
        security.append(("sasl.username", user))
        guard let path = environment.text("KAFKA_SASL_PASSWORD_FILE") else {
            throw SettingsError("KAFKA_SASL_PASSWORD_FILE", "is not set, but KAFKA_SECURITY_PROTOCOL is \(chosen)")
        }
        guard let text = readSecret(path) else { throw unreadable("KAFKA_SASL_PASSWORD_FILE", path) }
        password = Secret(text: text)
    }

    /// Whoever gives a name wants to log in, and would not be: the protocol was forgotten.
    private static func refuseLogin(_ environment: Settings, _ chosen: String) throws(SettingsError) {
        for variable in ["KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD_FILE", "KAFKA_SASL_MECHANISM"]
        where environment.text(variable) != nil {
            throw SettingsError(
                variable, "is set, but KAFKA_SECURITY_PROTOCOL is \(chosen), expected SASL_PLAINTEXT or SASL_SSL")
        }
    }

    private func unreadable(_ variable: String, _ path: String) -> SettingsError {
        SettingsError(variable, "cannot read '\(path)': \(unsafe String(cString: strerror(errno)))")
    }

    /// Whether more than a plain connection is needed to talk to a broker.
    var isSecured: Bool { security.contains { $0.name == "security.protocol" && $0.value != "PLAINTEXT" } }

    /// Everything a handle is told of the broker, the password included; for the C library only.
    var properties: [(name: String, value: String)] {
        var all = [("bootstrap.servers", bootstrap), ("message.max.bytes", String(messageMaxBytes))] + security
        if let password { all.append(("sasl.password", password.text)) }
        return all
    }

    public var description: String {
        ([("bootstrap.servers", bootstrap)] + security).map { "\($0.0)=\($0.1)" }.joined(separator: " ")
    }
}

/// A text that neither `print` nor `dump` shows.
private struct Secret: Sendable, CustomStringConvertible, CustomReflectable {
    let text: String
    var description: String { "(secret)" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// A text without its last line break, which editors and `echo` leave; nil when it cannot be read.
private func readSecret(_ path: String) -> String? {
    guard var bytes = FileSystem.read(path) else { return nil }
    while bytes.last == 0x0a || bytes.last == 0x0d { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
}
