// The one error of this module. It says what to do, because that is what the caller has to decide.

internal import CRdKafka

public struct KafkaError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Remedy: Sendable {
        /// The same call again, a little later.
        case retry
        /// The transaction is lost: abort it, and do the batch again if its shards are still ours.
        case abort
        /// This process is fenced or damaged: end it, a fresh one restores.
        case giveUp
        /// No repetition helps: a person has to change something.
        case fixConfiguration
    }

    public let remedy: Remedy
    /// librdkafka's number; negative ones are its own, the others Kafka's.
    public let code: Int32
    /// librdkafka's name of the code, for example `_TIMED_OUT`.
    public let name: String
    /// What was being done, where, and what went wrong.
    public let text: String

    public init(remedy: Remedy, code: Int32, name: String, text: String) {
        self.remedy = remedy
        self.code = code
        self.name = name
        self.text = text
    }

    public var description: String { "\(text) (\(name))" }

    /// The offset asked for is not in the log (any more, or yet).
    public var isOffsetOutOfRange: Bool {
        code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET.rawValue || code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE.rawValue
    }
    /// Another process has this one's instance name or transactional id, or the broker has given this one up.
    public var isFenced: Bool {
        let codes = [
            RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
        ]
        return codes.contains { $0.rawValue == code }
    }
    public var isQueueFull: Bool { code == RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue }
}

extension KafkaError {
    init(_ code: rd_kafka_resp_err_t, doing what: String, detail: String? = nil, remedy: Remedy? = nil) {
        let words = detail ?? (unsafe String(cString: rd_kafka_err2str(code)))
        self.init(
            remedy: remedy ?? KafkaError.remedy(for: code), code: code.rawValue,
            name: unsafe String(cString: rd_kafka_err2name(code)), text: "\(what): \(words)")
    }

    /// Takes over an error object: reads it in the order the notes give (fatal, abort, retry) and destroys it.
    init(consuming error: OpaquePointer, doing what: String) {
        defer { unsafe rd_kafka_error_destroy(error) }
        let remedy: Remedy
        if unsafe rd_kafka_error_is_fatal(error) != 0 {
            remedy = .giveUp
        } else if unsafe rd_kafka_error_txn_requires_abort(error) != 0 {
            remedy = .abort
        } else if unsafe rd_kafka_error_is_retriable(error) != 0 {
            remedy = .retry
        } else {
            // The header's advice for the rest ("Handling of other errors") is to treat them as fatal.
            let known = unsafe KafkaError.remedy(for: rd_kafka_error_code(error))
            remedy = known == .fixConfiguration ? .fixConfiguration : .giveUp
        }
        let words = unsafe rd_kafka_error_string(error).map { unsafe String(cString: $0) } ?? "no text"
        self = unsafe KafkaError(rd_kafka_error_code(error), doing: what, detail: words, remedy: remedy)
    }

    /// For errors that come as a bare code. What is not known to be hopeless is worth another try.
    static func remedy(for code: rd_kafka_resp_err_t) -> Remedy {
        switch code {
        case RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET,
            RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__BAD_MSG:
            .giveUp
        case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
            .abort
        case RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL,
            RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
            RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION,
            RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, RD_KAFKA_RESP_ERR_INVALID_CONFIG, RD_KAFKA_RESP_ERR_INVALID_PARTITIONS,
            RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
            RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT,
            RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
            .fixConfiguration
        default: .retry
        }
    }
}
