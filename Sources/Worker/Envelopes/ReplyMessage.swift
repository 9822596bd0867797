// The answer on its way back, to the one partition its requester reads.
import Kafka
import Wire

struct ReplyMessage: Sendable {
    var id: String
    var call: Int64
    var requester: String
    var replyTo: Int32
    var reply: Reply

    init(to request: RequestMessage, _ reply: Reply) {
        self.id = request.id
        self.call = request.call
        self.requester = request.requester
        self.replyTo = request.replyTo
        self.reply = reply
    }

    func record(topic: String) -> OutgoingRecord {
        var headers = Headers()
        headers.append(HeaderName.id, id)
        headers.append(HeaderName.call, call)
        headers.append(HeaderName.requester, requester)
        headers.append(HeaderName.status, Int64(reply.status))
        headers.append(HeaderName.contentType, reply.contentType)
        if let created = reply.createdID { headers.append(HeaderName.created, created) }
        return OutgoingRecord(topic: topic, partition: replyTo, key: nil, value: reply.body, headers: headers)
    }

    /// Nil for what is no reply to this requester: the partition is shared, and garbage is nobody's answer.
    init?(_ record: Record, requester: String) {
        guard record.header(HeaderName.requester) == requester, let id = record.header(HeaderName.id),
            let call = record.headers.number(HeaderName.call), let status = record.headers.number(HeaderName.status)
        else { return nil }
        self.id = id
        self.call = call
        self.requester = requester
        self.replyTo = record.partition
        self.reply = Reply(
            status: Int(clamping: status), contentType: record.header(HeaderName.contentType) ?? Reply.jsonType,
            body: record.value ?? [], createdID: record.headers.number(HeaderName.created))
    }
}
