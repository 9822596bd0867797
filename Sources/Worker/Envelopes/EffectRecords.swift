// What rules decided, as records: events for everybody, commands for shards of the same service.
import Kafka
import Platform
import Wire

struct EffectRecords {
    let service: String
    let topics: Topics
    let shards: Shards

    /// Throws where an effect is about an id that cannot be one.
    func record(_ effect: Turn.Effect, place: Int, cause: Cause, nowMilliseconds: Int64) throws(Problem)
        -> OutgoingRecord
    {
        switch effect {
        case .event(let type, let subject, let fields):
            let partition = try partition(of: subject, in: type)
            let time = UTCTime(wallMilliseconds: nowMilliseconds)
            var value: JSONObject = ["eventType": .string(type), "timestamp": .string(time.compact)]
            for member in fields.members { value.append(member.name, member.value) }
            let headers =
                [
                    Header(HeaderName.eventSpecification, "1.0"), Header(HeaderName.eventID, cause.id(place)),
                    Header(HeaderName.eventSource, "/\(service)"), Header(HeaderName.eventType, type),
                    Header(HeaderName.eventTime, time.rfc3339), Header(HeaderName.eventSubject, String(subject)),
                    Header(HeaderName.contentType, Reply.jsonType),
                ] + cause.headers
            return OutgoingRecord(
                topic: topics.events, partition: partition, key: Array(String(subject).utf8), value: value.bytes,
                headers: headers)
        case .command(let type, let target, let fields):
            let partition = try partition(of: target, in: type)
            let headers =
                [
                    Header(HeaderName.command, type), Header(HeaderName.id, cause.id(place)),
                    Header(HeaderName.contentType, Reply.jsonType),
                ] + cause.headers
            return OutgoingRecord(
                topic: topics.requests(service), partition: partition, key: Array(String(target).utf8),
                value: fields.bytes, headers: headers)
        }
    }

    private func partition(of id: Int64, in type: String) throws(Problem) -> Int32 {
        guard let partition = shards.owner(of: id) else {
            throw Problem(500, "\(type) is about id \(id), which no shard owns")
        }
        return partition
    }
}
