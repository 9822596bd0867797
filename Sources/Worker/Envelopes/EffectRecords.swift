// What rules decided, as records: events for everybody, commands for shards of the same service.
import Kafka
import Platform
import Wire

struct EffectRecords {
    private let topics: Topics
    private let shards: Shards
    private let requests: String
    private let source: String
    /// The time of the batch in the two forms that events carry: the same for hundreds of them.
    private var time = Int64.min
    private var compactTime = ""
    private var eventTime = ""

    init(service: String, topics: Topics, shards: Shards) {
        self.topics = topics
        self.shards = shards
        requests = topics.requests(service)
        source = "/\(service)"
    }

    private mutating func tell(_ wallMilliseconds: Int64) {
        guard wallMilliseconds != time else { return }
        time = wallMilliseconds
        let parts = UTCTime(wallMilliseconds: time)
        compactTime = parts.compact
        eventTime = parts.rfc3339
    }

    /// Throws where an effect is about an id that cannot be one.
    mutating func record(_ effect: Turn.Effect, place: Int, cause: Cause, nowMilliseconds: Int64) throws(Problem)
        -> OutgoingRecord
    {
        switch effect {
        case .event(let type, let subject, let fields):
            let partition = try partition(of: subject, in: type)
            tell(nowMilliseconds)
            var headers = Headers()
            headers.append(HeaderName.eventSpecification, "1.0")
            headers.append(HeaderName.eventID, cause.id(place))
            headers.append(HeaderName.eventSource, source)
            headers.append(HeaderName.eventType, type)
            headers.append(HeaderName.eventTime, eventTime)
            headers.append(HeaderName.eventSubject, subject)
            headers.append(HeaderName.contentType, Reply.jsonType)
            cause.write(to: &headers)
            return OutgoingRecord(
                topic: topics.events, partition: partition, key: Array(String(subject).utf8),
                value: value(type, fields),
                headers: headers)
        case .command(let type, let target, let fields):
            let partition = try partition(of: target, in: type)
            var headers = Headers()
            headers.append(HeaderName.command, type)
            headers.append(HeaderName.id, cause.id(place))
            headers.append(HeaderName.contentType, Reply.jsonType)
            cause.write(to: &headers)
            return OutgoingRecord(
                topic: requests, partition: partition, key: Array(String(target).utf8),
                value: fields.bytes, headers: headers)
        }
    }

    /// Type and time first, then the fields, as people read them.
    private func value(_ type: String, _ fields: JSONObject) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(192)
        bytes.append(UInt8(ascii: "{"))
        JSON.beginMember("eventType", to: &bytes)
        JSON.write(type, to: &bytes)
        JSON.beginMember("timestamp", to: &bytes)
        JSON.write(compactTime, to: &bytes)
        for member in fields.members {
            JSON.beginMember(member.name, to: &bytes)
            member.value.write(to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private func partition(of id: Int64, in type: String) throws(Problem) -> Int32 {
        guard let partition = shards.owner(of: id) else {
            throw Problem(500, "\(type) is about id \(id), which no shard owns")
        }
        return partition
    }
}
