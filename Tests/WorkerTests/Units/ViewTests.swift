// What queries see while a batch is open: the rows of the log, at once; what is not known to be that, after the commit.
import Contract
import Kafka
import SQLite
import TestSupport
import Testing
import Wire

@testable import Worker

private enum Shelf {
    static let things = resource("things", creates: true)
    /// The same rows through a view, of which nobody knows which rows it reads.
    static let shown = resource("shown", creates: false)
    static let others = resource("others", creates: false)
    static let service = ServiceContract(
        "shelf", resources: [things, shown, others],
        operations: [Contract.Operation("/sum/{id}", placement: .pathID, "")], events: [Moved.schema],
        policies: [Moved.type], "")
    static let system = SystemContract("shelves", title: "Shelves", services: [service], "")

    struct Moved: Event {
        static let schema = MessageSchema("Moved", "", fields: [.identifier("id")])
        let subject: Int64
        var fields: JSONObject { ["id": .integer(subject)] }
        init(fields: JSONObject) throws(Problem) { subject = try fields.identifier("id") }
    }

    private static func resource(_ name: String, creates: Bool) -> Resource {
        Resource(
            name, item: "thing", id: "id", fields: [.identifier("id"), .integer("n", required: false)],
            actions: creates ? [.list, .read, .create] : [.list, .read], creation: .shardOf(field: "id"), "")
    }

    static let program = Service(
        service,
        migrations: [
            """
            CREATE TABLE things (n INTEGER NOT NULL, id INTEGER PRIMARY KEY);
            CREATE TABLE others (id INTEGER PRIMARY KEY, n INTEGER);
            CREATE VIEW shown AS SELECT id, n FROM things;
            """
        ]
    ) { rules in
        rules.read(things, from: "things")
        rules.read(shown, from: "shown")
        rules.read(others, from: "others")
        rules.create(things) { request, turn in
            let id = try request.body.identifier("id")
            let n = try request.body.integer("n")
            try turn.execute(
                "INSERT INTO things (id, n) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET n = ?2",
                [.integer(id), .integer(n)])
            return .created(id, [:])
        }
        rules.whenever(Moved.self) { event, turn in
            try turn.execute("UPDATE things SET n = n + 1 WHERE id = ?1", [.integer(event.subject)])
        }
        rules.answer(service.operations[0]) { _, turn in
            .text("\(try turn.row("SELECT SUM(n) AS n FROM things")?.integerOrNull("n") ?? 0)")
        }
    }
}

@Suite struct ViewTests {
    private func put(_ n: Int64, _ id: Int64, _ bench: LoopBench) {
        bench.request(.post, "/things", ["id": .integer(id), "n": .integer(n)], home: id, key: "put \(n) at \(id)")
    }

    /// Asks all of this with a batch open in their shard, and says which were answered before its commit.
    private func answersBesideAWrite(_ paths: [String], _ bench: LoopBench) throws -> Set<String> {
        put(2, 1, bench)
        put(2, 3, bench)
        for path in paths { bench.request(.get, path, home: 1, key: path) }
        var early: Set<String>?
        bench.log.willCommit = { early = early ?? Set(bench.replies.keys) }
        try bench.settle()
        return try #require(early).intersection(paths)
    }

    @Test func committedRowsAreSeenAtOnce() throws {
        try LoopBench.with(Shelf.program, Shelf.system) { bench in
            put(1, 1, bench)
            put(1, 5, bench)
            try bench.settle()
            let paths = [
                "/things/1", "/things/3", "/things/5", "/others/1", "/others", "/things", "/shown/1", "/shown",
                "/sum/1",
            ]
            let early = try answersBesideAWrite(paths, bench)
            #expect(early == Set(["/things/1", "/things/3", "/things/5", "/others/1", "/others"]))
            // What is seen before the commit is what was there before; what is seen after it is what is there now.
            #expect(bench.answers["/things/1"] == #"{"id":1,"n":1}"#)
            #expect(bench.replies["/things/3"] == 404)
            #expect(bench.answers["/things/5"] == #"{"id":5,"n":1}"#)
            #expect(bench.answers["/others"] == #"{"total":0,"items":[]}"#)
            #expect(bench.answers["/shown/1"] == #"{"id":1,"n":2}"#)
            #expect(bench.answers["/sum/1"] == "5")
            #expect(bench.answers["/things"] == #"{"total":3,"items":[{"id":1,"n":2},{"id":3,"n":2},{"id":5,"n":1}]}"#)
        }
    }

    /// Whoever has the answer to a write sees what it wrote.
    @Test func afterTheCommitEverybodySeesTheNewRow() throws {
        try LoopBench.with(Shelf.program, Shelf.system) { bench in
            put(1, 1, bench)
            try bench.settle()
            put(7, 1, bench)
            var asked = 0
            try eventually(timeout: 10, "many looks", every: 0) {
                asked += 1
                bench.request(.get, "/things/1", home: 1, key: "look \(asked)")
                let isWritten = bench.replies["put 7 at 1"] != nil
                try bench.step()
                if isWritten { #expect(bench.answers["look \(asked)"] == #"{"id":1,"n":7}"#) }
                return asked == 100
            }
        }
    }

    /// Rows that nobody waits for may wait for more of them; who has asked for one of them will ask again.
    @Test(arguments: ["/things/1", "/things/3"]) func aBatchThatIsLookedAtIsNotHeldBack(_ path: String) throws {
        try LoopBench.with(Shelf.program, Shelf.system) { bench in
            put(1, 1, bench)
            put(1, 3, bench)
            try bench.settle()
            bench.broker.append(
                OutgoingRecord(
                    topic: bench.broker.topics.events, partition: 0, key: nil,
                    value: Array(#"{"eventType":"Moved","id":1}"#.utf8)))
            bench.request(.get, path, home: 1, key: "look")
            let transactions = bench.loop.counters.transactions
            try eventually(timeout: 10, "an answer", every: 0) {
                try bench.step()
                return bench.replies["look"] == 200
            }
            let isWatched = path == "/things/1"
            #expect(bench.loop.counters.transactions == transactions + (isWatched ? 1 : 0))
            #expect(bench.answers["look"] == (isWatched ? #"{"id":1,"n":1}"# : #"{"id":3,"n":1}"#), "as in the log")
        }
    }
}
