// Names of the headers that messages carry. Values of records stay plain JSON, as a person with a console consumer
// expects; whatever the machinery needs travels beside them.
public enum HeaderName {
    // Requests and replies.
    public static let id = "id"
    public static let call = "call"
    public static let method = "method"
    public static let path = "path"
    public static let replyTo = "reply-to"
    public static let requester = "requester"
    public static let deadline = "deadline"
    public static let ifMatch = "if-match"
    public static let claims = "claims"
    public static let contentType = "content-type"
    public static let status = "status"
    public static let created = "created"
    // Commands.
    public static let command = "command"
    // Everything that belongs to a saga.
    public static let traceparent = "traceparent"
    public static let correlation = "correlationid"
    public static let causation = "causationid"
    // CloudEvents 1.0, Kafka binding, binary mode.
    public static let eventSpecification = "ce_specversion"
    public static let eventID = "ce_id"
    public static let eventSource = "ce_source"
    public static let eventType = "ce_type"
    public static let eventTime = "ce_time"
    public static let eventSubject = "ce_subject"
    // State rows.
    public static let schema = "schema"
    // Dead letters: where the record was, and why it could not be handled.
    public static let deadTopic = "original-topic"
    public static let deadPartition = "original-partition"
    public static let deadOffset = "original-offset"
    public static let deadReason = "reason"
    public static let deadTime = "time"
    public static let deadService = "service"
    /// How large it was, where that was too much to be kept: then it has no value, and perhaps no headers of its own.
    public static let deadBytes = "original-bytes"
    /// On an event that was put back: the one service it is for. The others have handled it.
    public static let forService = "for-service"
}
