// What one batch does with rows that are too large, with queries beside writes, and with questions to other services.
import Contract
import Kafka
import SQLite
import TestSupport
import Testing
import Wire

@testable import Worker

/// Notes of any size, whoever writes them.
private enum Notes {
    static let notes = Resource(
        "notes", item: "note", id: "id",
        fields: [.identifier("id"), .integer("size"), .text("way", required: false)], actions: [.list, .create],
        creation: .shardOf(field: "id"), "")
    static let questions = Resource(
        "questions", item: "question", id: "id", fields: [.identifier("id")], actions: [.create],
        creation: .shardOf(field: "id"), "")
    static let length = Contract.Operation("/length/{id}", placement: .pathID, "")
    static let service = ServiceContract(
        "notes", resources: [notes, questions], operations: [length], events: [Noted.schema], policies: [Noted.type],
        "")
    static let other = ServiceContract("other", resources: [], "")
    static let system = SystemContract("noting", title: "Noting", services: [service, other], "")

    struct Noted: Event {
        static let schema = MessageSchema("Noted", "", fields: [.identifier("id"), .integer("size")])
        let subject: Int64, size: Int64
        var fields: JSONObject { ["id": .integer(subject), "size": .integer(size)] }
        init(fields: JSONObject) throws(Problem) {
            (subject, size) = (try fields.identifier("id"), try fields.integer("size"))
        }
    }

    /// Each is a quotation mark, which JSON writes as two characters.
    static func text(_ size: Int64) -> String { String(repeating: "\"", count: Int(size)) }

    static func write(_ id: Int64, _ text: String, _ turn: Turn) throws {
        try turn.execute("INSERT OR REPLACE INTO notes (id, text) VALUES (?1, ?2)", [.integer(id), .text(text)])
    }

    static let program = Service(
        service, migrations: ["CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"]
    ) { rules in
        rules.create(notes) { request, turn in
            let id = try request.body.identifier("id")
            let text = text(try request.body.integer("size"))
            switch request.body["way"]?.string {
            case "answer": return .created(id, ["text": .string(text)])
            case "refusal": throw Problem(409, text)
            default: try write(id, text, turn)
            }
            return .created(id, ["id": .integer(id)])
        }
        rules.create(questions) { request, _ in
            let id = try request.body.identifier("id")
            return .ask([Question(other, .post, "/things", home: 1), Question(other, .get, "/things/1", home: 1)]) {
                _, _ in .created(id, [:])
            }
        }
        rules.answer(length) { request, turn in
            guard let row = try turn.row("SELECT text FROM notes WHERE id = ?1", [.integer(try request.itemID())])
            else { throw Problem.notFound("no such note") }
            return .text("\(try row.text("text").utf8.count)")
        }
        rules.whenever(Noted.self) { event, turn in try write(event.subject, text(event.size), turn) }
    }
}

@Suite struct LoopTests {
    private func with(_ body: (LoopBench) throws -> Void) throws {
        try LoopBench.with(Notes.program, Notes.system, body)
    }

    private func note(_ size: Int64, _ way: String = "row", id: Int64 = 1) -> JSONObject {
        ["id": .integer(id), "size": .integer(size), "way": .string(way)]
    }

    private func lengths(_ bench: LoopBench) throws -> [Int64: Int64] {
        var lengths: [Int64: Int64] = [:]
        for shard in bench.loop.custody.all {
            for row in try shard.store.query("SELECT id, length(text) AS n FROM notes") {
                lengths[try row.integer("id")] = try row.integer("n")
            }
        }
        return lengths
    }

    @Test func aRowThatIsTooLargeFailsItsRecord() throws {
        try with { bench in
            // In one batch with rows that are as large as they may be, and with one that is large and then small again.
            bench.request(.post, "/notes", note(800_000), home: 1, key: "largest")
            bench.request(.post, "/notes", note(1_000_000, id: 3), home: 3, key: "row")
            bench.request(.post, "/notes", note(10, id: 5), home: 5, key: "small")
            bench.broker.append(
                OutgoingRecord(
                    topic: bench.broker.topics.events, partition: 0, key: nil,
                    value: Array(#"{"eventType":"Noted","id":1,"size":1000000}"#.utf8)))
            try bench.settle()
            #expect(bench.replies == ["largest": 201, "row": 500, "small": 201])
            #expect(try lengths(bench) == [1: 800_000, 5: 10])
            #expect(bench.letters.count == 2)
            for letter in bench.letters {
                #expect(letter.header(HeaderName.deadReason)?.contains("a row of notes") == true)
            }
        }
    }

    /// The answer to a write is a row like any other, and text in text needs twice the marks.
    @Test(arguments: ["answer", "refusal"]) func soDoesAnAnswerThatCannotBeKept(_ way: String) throws {
        try with { bench in
            bench.request(.post, "/notes", note(500_000, way), home: 1, key: "large")
            bench.request(.post, "/notes", note(10, way), home: 1, key: "small")
            try bench.settle()
            #expect(bench.replies == ["large": 500, "small": way == "answer" ? 201 : 409])
            #expect(bench.letters.count == 1)
        }
    }

    /// Only the shard that was written to has something to wait for.
    @Test func answersToQueriesDoNotWaitForTheBatch() throws {
        try with { bench in
            bench.request(.post, "/notes", note(1), home: 1, key: "write")
            bench.request(.get, "/length/1", home: 1, key: "beside it")
            bench.request(.get, "/length/2", home: 2, key: "refused by a rule")
            bench.request(.get, "/nothing", home: 2, key: "refused without one")
            bench.request(.get, "/notes?limit=x", home: 2, key: "a wrong parameter")
            bench.request(.get, "/notes", home: 2, key: "list")
            var early: Set<String>?
            bench.log.willCommit = { early = early ?? Set(bench.replies.keys) }
            try bench.settle()
            #expect(early == ["refused by a rule", "refused without one", "a wrong parameter", "list"])
            #expect(bench.replies["write"] == 201 && bench.replies["beside it"] == 200)
            #expect(bench.loop.counters.queries == 5)
        }
    }

    /// Two services may ask a third for the same client's key: those are two requests. And no client may take their place.
    @Test func aQuestionHasAnIdOfItsService() throws {
        try with { bench in
            bench.request(.post, "/questions", ["id": 1], home: 1, key: "k")
            for _ in 0..<5 { try bench.step() }
            let asked = (Int32(0)...1).flatMap {
                bench.broker.records(TopicPartition(topic: bench.broker.topics.requests("other"), partition: $0))
            }
            #expect(asked.count == 2)
            let write = try #require(asked.first { $0.header(HeaderName.method) == "POST" })
            let id = try #require(write.header(HeaderName.id))
            #expect(id == "notes k/0.0")
            // Keys of clients are printable and have no spaces (`IdempotencyKey` in the gateway).
            #expect(!id.utf8.allSatisfy { (0x21...0x7E).contains($0) })
        }
    }

    @Test func aRecordThatNoTopicCouldHoldIsBuriedWithoutItsContent() throws {
        try with { bench in
            let events = bench.broker.topics.events
            let giant: [UInt8] = Array(repeating: 0x20, count: 10 << 20)
            bench.broker.append(OutgoingRecord(topic: events, partition: 0, key: nil, value: giant))
            bench.broker.append(
                OutgoingRecord(
                    topic: events, partition: 0, key: giant, value: [], headers: [Header("name", "giant key")]))
            bench.broker.append(
                OutgoingRecord(
                    topic: events, partition: 0, key: nil, value: [], headers: [Header("stuffing", bytes: giant)]))
            // Nobody reacts to it: it is not even measured.
            bench.broker.append(
                OutgoingRecord(
                    topic: events, partition: 0, key: nil, value: giant, headers: [Header("ce_type", "Rained")]))
            try bench.settle()
            #expect(bench.letters.count == 3)
            for letter in bench.letters {
                #expect(letter.value == nil && letter.key == nil && letter.header("stuffing") == nil)
                #expect((letter.headers.number("original-bytes") ?? 0) >= 10 << 20)
                #expect(letter.header(HeaderName.deadReason)?.contains("bytes") == true)
            }
        }
    }
}
