// `watch`: the topic of the events as they happen. Lines of plain JSON for a pipe, colour and time for a person.
import Kafka
import Platform
import Wire
import Worker

enum Watch {
    /// A longer history is shown as it comes, partition by partition, instead of being sorted by time first.
    private static let sortedRecordsMax: Int64 = 50_000

    static let command = Command(
        name: "watch", summary: "Show the events as they happen",
        options: [
            .flag("from-beginning", "those of the past first"),
            .flag("all", "requests, replies, state and dead letters too, each with its place and headers"),
            .flag("until-now", "stop when everything that is there has been shown"), Up.runDirOption,
        ], example: "watch --from-beginning", run: run)

    private static func run(_ call: Invocation) throws -> Int32 {
        let topics = call.system.contract.topics
        let all = call.has("all")
        let names = all ? Self.names(call.system) : [topics.events]
        let kafka = try SystemBroker.settings(call)
        let reader = try TopicReader(
            names, from: call.has("from-beginning") ? .beginning : .end, kafka: kafka)
        let line = RecordLine(style: Style(settings: call.settings), system: call.system.contract.name, isWhole: all)
        if reader.backlog <= sortedRecordsMax {
            for record in try reader.readBacklog() { Terminal.print(line.text(record)) }
        } else {
            try reader.passBacklog { Terminal.print(line.text($0)) }
        }
        while !call.has("until-now") {
            if let record = try reader.next(timeoutMilliseconds: 1_000) { Terminal.print(line.text(record)) }
        }
        return 0
    }

    private static func names(_ system: SystemDescription) -> [String] {
        let topics = system.contract.topics
        let services = system.contract.services.flatMap { [topics.requests($0.name), topics.state($0.name)] }
        return [topics.events] + services + [topics.replies, topics.deadLetters]
    }
}

/// One record as one line.
struct RecordLine {
    let style: Style
    let system: String
    /// With topic, partition, offset, key and headers.
    let isWhole: Bool

    func text(_ record: Record) -> String {
        switch (style.isTerminal, isWhole) {
        case (false, false): String(decoding: record.value ?? [], as: UTF8.self)
        case (false, true): Self.json(record).text
        case (true, _): forPeople(record)
        }
    }

    private func forPeople(_ record: Record) -> String {
        let time = UTCTime(wallMilliseconds: record.timestampMilliseconds).rfc3339.dropFirst(11).dropLast()
        let place = isWhole ? style.faint(" \(shortTopic(record.topic))[\(record.partition)]@\(record.offset)") : ""
        return style.faint(String(time)) + place + " " + style.name(Self.headline(record)) + " "
            + String(decoding: record.value ?? [], as: UTF8.self)
    }

    private func shortTopic(_ topic: String) -> String {
        topic.hasPrefix(system + ".") ? String(topic.dropFirst(system.count + 1)) : topic
    }

    /// What the record is: the event's type, the command's, the request's first line, the reply's status.
    static func headline(_ record: Record) -> String {
        if let type = record.header(HeaderName.eventType) ?? record.header(HeaderName.command) { return type }
        if let method = record.header(HeaderName.method), let path = record.header(HeaderName.path) {
            return "\(method) \(path)"
        }
        if let status = record.header(HeaderName.status) { return status }
        if let value = record.value, let event = try? JSON(parsing: value), let type = event["eventType"].string {
            return type
        }
        return record.key.map { String(decoding: $0, as: UTF8.self) } ?? "-"
    }

    static func json(_ record: Record) -> JSON {
        let value = record.value.map { bytes -> JSON in
            (try? JSON(parsing: bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
        }
        return [
            "topic": .string(record.topic), "partition": .integer(Int64(record.partition)),
            "offset": .integer(record.offset),
            "time": .string(UTCTime(wallMilliseconds: record.timestampMilliseconds).rfc3339),
            "key": JSON(record.key.map { String(decoding: $0, as: UTF8.self) }),
            "headers": .object(JSONObject(record.headers.all.map { ($0.name, JSON.string($0.text)) })),
            "value": value ?? .null,
        ]
    }
}
