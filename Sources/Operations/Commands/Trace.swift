// `trace order 4`: the time line of one saga, from the topics alone.
import Contract
import Kafka
import Platform
import Wire
import Worker

enum Trace {
    /// A saga may begin a little before its first event, and its last record may come a little after.
    private static let marginMilliseconds: Int64 = 60_000

    static let commands = [
        Command(
            name: "trace", summary: "The time line of one saga across the services, with latencies",
            options: [.flag("json", "for a script"), Up.runDirOption],
            positionals: [
                Command.Positional(name: "RESOURCE", summary: "what it is about, as in 'order'"),
                Command.Positional(name: "ID", summary: "its id"),
            ], example: "trace order 4", run: run)
    ]

    private static func run(_ call: Invocation) throws -> Int32 {
        let resource = try resource(call.positionals[0], call.system.contract)
        let id = try Invocation.integer(call.positionals[1], called: "ID", in: 1...Int64.max)
        let kafka = try SystemBroker.settings(call)
        let topics = call.system.contract.topics
        let events = try TopicReader([topics.events], from: .beginning, kafka: kafka).readBacklog()
        var own = events.filter { isAbout($0, resource, id) }
        // What was kept and went nowhere has no event; for some minutes the answer to its creation still tells of it.
        if own.isEmpty {
            let replies = try TopicReader([topics.replies], from: .beginning, kafka: kafka).readBacklog()
            own = replies.filter { isCreation($0, of: resource, id) }
        }
        guard let first = own.first else {
            throw Failure(
                "no event on \(topics.events) and no answer of the last minutes is about \(resource.item) \(id)")
        }
        let sagas = Set(own.compactMap { $0.header(HeaderName.correlation) ?? $0.header(HeaderName.id) })
        let around = topics.all(of: call.system.contract)
        let records = try TopicReader(
            around, from: .time(milliseconds: first.timestampMilliseconds - marginMilliseconds), kafka: kafka
        ).readBacklog()
        let saga = records.filter { belongs($0, to: sagas) || isSame($0, in: own) }
        show(saga, call, title: "\(resource.item) \(id)")
        return 0
    }

    private static func resource(_ name: String, _ system: SystemContract) throws(UsageError) -> Resource {
        let resources = system.services.flatMap(\.resources)
        guard let found = resources.first(where: { $0.item == name || $0.name == name }) else {
            let known = resources.map(\.item)
            throw UsageError(
                "there is no resource '\(name)'\(Nearest.hint(name, among: known)) (\(known.joined(separator: ", ")))")
        }
        return found
    }

    /// An event says it with a field named like the resource's id; where that is only `id`, with its key.
    private static func isAbout(_ record: Record, _ resource: Resource, _ id: Int64) -> Bool {
        guard let value = record.value, let event = try? JSON(parsing: value) else { return false }
        if resource.idField != "id" { return event[resource.idField].integer == id }
        return record.key.map { String(decoding: $0, as: UTF8.self) } == String(id)
    }

    private static func isCreation(_ record: Record, of resource: Resource, _ id: Int64) -> Bool {
        guard record.header(HeaderName.created) == String(id), let value = record.value else { return false }
        guard let item = (try? JSON(parsing: value))?.object else { return false }
        return item.names == resource.fields.map(\.name) && item[resource.idField]?.integer == id
    }

    /// Part of a saga: it carries the saga's id, or it is the request that began it, or the reply to that.
    private static func belongs(_ record: Record, to sagas: Set<String>) -> Bool {
        if let saga = record.header(HeaderName.correlation), sagas.contains(saga) { return true }
        return record.header(HeaderName.id).map(sagas.contains) ?? false
    }

    private static func isSame(_ record: Record, in others: [Record]) -> Bool {
        others.contains {
            $0.offset == record.offset && $0.partition == record.partition && $0.topic == record.topic
        }
    }

    private static func show(_ records: [Record], _ call: Invocation, title: String) {
        if call.has("json") {
            for record in records { Terminal.print(RecordLine.json(record).text) }
            return
        }
        let style = Style(settings: call.settings)
        let system = call.system.contract.name
        let start = records.first?.timestampMilliseconds ?? 0
        var previous = start
        var table = Table(["time", " since", " step", "where", "what", "content"])
        for record in records {
            let time = UTCTime(wallMilliseconds: record.timestampMilliseconds).rfc3339.dropFirst(11).dropLast()
            let topic = record.topic == system ? "events" : String(record.topic.dropFirst(system.count + 1))
            table.add([
                String(time), "\(record.timestampMilliseconds - start) ms",
                "+\(record.timestampMilliseconds - previous)", "\(topic)[\(record.partition)]@\(record.offset)",
                style.name(RecordLine.headline(record)), content(record),
            ])
            previous = record.timestampMilliseconds
        }
        Terminal.print(
            "\(title): \(Readable.count(records.count, "record")) in \(Readable.duration(milliseconds: previous - start))"
        )
        for line in table.lines(style) { Terminal.print(line) }
    }

    private static func content(_ record: Record) -> String {
        let text = String(decoding: record.value ?? [], as: UTF8.self)
        guard let event = (try? JSON(parsing: record.value ?? []))?.object else { return String(text.prefix(100)) }
        let known: Set = ["eventType", "timestamp", "_links"]
        return event.members.filter { !known.contains($0.name) && !$0.value.isNull }
            .map { "\($0.name)=\($0.value.string ?? $0.value.text)" }.joined(separator: " ")
    }
}

extension Topics {
    /// Where the records of a saga are; the rows of the state topics carry no saga.
    func all(of system: SystemContract) -> [String] {
        [events] + system.services.map { requests($0.name) } + [replies, deadLetters]
    }
}
