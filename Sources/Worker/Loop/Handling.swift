// One record, one rule, one savepoint. A record that cannot be handled never stops the loop: it becomes a dead letter.
import Contract
import Kafka
import Platform
import SQLite
import Wire

extension WorkerLoop {
    func handle(_ record: Record, nowMilliseconds now: Int64) throws {
        guard let shard = custody.shard(record.partition) else { return }
        // librdkafka may deliver a record again after a rebalance; the file knows what it has.
        guard record.offset >= shard.next[record.topic] ?? 0 else {
            counters.recordsRepeated += 1
            return
        }
        shard.next[record.topic] = record.offset + 1
        shard.hasUncommittedInput = true
        do { try dispatch(record, shard, now) } catch { bury(record, reason: try blame(error), now) }
    }

    private func dispatch(_ record: Record, _ shard: Shard, _ now: Int64) throws {
        if record.topic == topics.events {
            // Before its size is looked at: a giant that nobody here reacts to is nobody's dead letter.
            guard !isIgnored(record) else {
                counters.eventsIgnored += 1
                return
            }
            try checkSizes(record)
            return try handleEvent(record, shard, now)
        }
        try checkSizes(record)
        if let type = record.header(HeaderName.command) { return try handleCommand(type, record, shard, now) }
        try handleRequest(try RequestMessage(record), record, shard, now)
    }

    private func checkSizes(_ record: Record) throws(Problem) {
        guard record.byteCount <= limits.recordBytesMax else {
            throw Problem(413, "the record has \(record.byteCount) bytes, at most \(limits.recordBytesMax) are taken")
        }
        try limits.checkIDs(record.headers)
    }

    // MARK: - Events and commands

    /// The header spares a look into events nobody here reacts to; a line typed by a person has none.
    private func isIgnored(_ record: Record) -> Bool {
        if let type = record.header(HeaderName.eventType), service.rules.policies[type] == nil { return true }
        guard let only = record.header(HeaderName.forService) else { return false }
        return only != service.contract.name
    }

    private func handleEvent(_ record: Record, _ shard: Shard, _ now: Int64) throws {
        let object = try object(record)
        guard let type = object["eventType"]?.string else { throw Problem.badRequest("it has no eventType") }
        guard let policy = service.rules.policies[type] else {
            counters.eventsIgnored += 1
            return
        }
        try run(policy, object, record, shard, now, idHeader: HeaderName.eventID, origin: "e")
        counters.events += 1
    }

    private func handleCommand(_ type: String, _ record: Record, _ shard: Shard, _ now: Int64) throws {
        guard let rule = service.rules.commands[type] else {
            throw Problem.badRequest("'\(type.prefix(80))' is no command of \(service.contract.name)")
        }
        try run(rule, try object(record), record, shard, now, idHeader: HeaderName.id, origin: "r")
        counters.commands += 1
    }

    private func object(_ record: Record) throws -> JSONObject {
        do {
            guard let object = try JSON(parsing: record.value ?? []).object else {
                throw Problem.badRequest("the value is no JSON object")
            }
            return object
        } catch let error as JSONError {
            throw Problem.badRequest("the value is \(error)")
        }
    }

    private func run(
        _ rule: Rules.Message, _ object: JSONObject, _ record: Record, _ shard: Shard, _ now: Int64, idHeader: String,
        origin kind: String
    ) throws {
        let fields = try rule.schema.read(object)
        let home = try rule.home(fields)
        guard shards.owner(of: home) == record.partition else {
            throw Problem.badRequest(
                "\(rule.schema.type) about id \(home) lies in partition \(record.partition), which is not its own")
        }
        try shard.touch()
        let turn = newTurn(shard, now)
        let records = try shard.store.savepoint {
            try rule.run(fields, turn)
            try checkRows(shard)
            guard !turn.effects.isEmpty else { return [OutgoingRecord]() }
            let origin = "\(service.contract.name)-\(shard.number)-\(kind)\(record.offset)"
            return try recordsOf(turn, Cause(record, id: record.header(idHeader), origin: origin), now)
        }
        outgoing += records
        shard.hasChanges = true
    }

    func newTurn(_ shard: Shard, _ now: Int64) -> Turn {
        Turn(shard: shard.number, shards: shards, nowMilliseconds: now, store: shard.store)
    }

    func recordsOf(_ turn: Turn, _ cause: Cause, _ now: Int64) throws -> [OutgoingRecord] {
        try turn.effects.enumerated().map { place, effect in
            if comesBack(effect) { messagesToItself += 1 }
            let record = try effects.record(effect, place: place, cause: cause, nowMilliseconds: now)
            let bytes = record.byteCount
            guard bytes <= limits.recordBytesMax else {
                throw Problem(500, "a message of \(bytes) bytes was to be sent, \(limits.recordBytesMax) are allowed")
            }
            return record
        }
    }

    private func comesBack(_ effect: Turn.Effect) -> Bool {
        switch effect {
        case .event(let type, _, _): service.rules.policies[type] != nil
        case .command: true
        }
    }

    /// Whose fault an error is: the reason for a dead letter where it is the record's or its rule's; thrown on where the
    /// file cannot be read or written, which no other record could change.
    func blame(_ error: any Error) throws -> String {
        switch error {
        case let problem as Problem: return problem.detail
        case let error as SQLiteError:
            if error.isEnvironmental { throw StoreFailure(error) }
            return error.description
        case is StoreFailure, is FatalError: throw error
        default: return String(describing: error)
        }
    }

    // MARK: - Dead letters

    func bury(_ record: Record, reason: String, _ now: Int64) {
        let reason = String(reason.prefix(1_000))
        counters.deadLetters += 1
        Log.warning(
            "dead letter",
            [
                "topic": LogValue(record.topic), "shard": LogValue(record.partition),
                "offset": LogValue(record.offset), "reason": LogValue(reason),
                "trace": LogValue(record.header(HeaderName.traceparent) ?? ""),
            ])
        var letter = keepable(record)
        letter.headers =
            letter.headers + [
                Header(HeaderName.deadTopic, record.topic), Header(HeaderName.deadPartition, String(record.partition)),
                Header(HeaderName.deadOffset, String(record.offset)), Header(HeaderName.deadReason, reason),
                Header(HeaderName.deadTime, UTCTime(wallMilliseconds: now).rfc3339),
                Header(HeaderName.deadService, service.contract.name),
            ]
        outgoing.append(letter)
        custody.shard(record.partition)?.hasChanges = true
    }

    /// As much of a record as the topic of the dead letters takes. A topic's limit holds for compressed records, so that
    /// one may be many times larger when it is read; a letter that no broker takes would end this process and the next.
    private func keepable(_ record: Record) -> OutgoingRecord {
        var letter = OutgoingRecord(
            topic: topics.deadLetters, partition: 0, key: record.key, value: record.value, headers: record.headers)
        guard record.byteCount > limits.deadLetterBytesMax else { return letter }
        letter.value = nil
        if letter.byteCount > limits.deadLetterBytesMax { (letter.key, letter.headers) = (nil, []) }
        letter.headers.append(HeaderName.deadBytes, Int64(record.byteCount))
        return letter
    }
}

/// The shard's file cannot be used: full disk, damage, a lost volume. Not the fault of any record.
struct StoreFailure: Error, CustomStringConvertible {
    let error: SQLiteError
    init(_ error: SQLiteError) { self.error = error }
    var description: String { error.description }
}
