// A shard's file by itself: restore, migrations, state records, lists, routes, parking.
import Contract
import Foundation
import Kafka
import Platform
import SQLite
import TestSupport
import Testing
import Wire

@testable import Worker

typealias Cell = SQLite.Value

@Suite struct ShardTests {
    private static let first = "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"
    private static let second = "ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7"
    private static let identity = ShardIdentity(cluster: "c", system: "s", service: "t", shard: 0, shardCount: 3)

    private static func row(_ id: Int64, _ text: String?, schema: Int, offset: Int64) throws -> StateRecords.Row {
        let record = Record(
            topic: "s", partition: 0, offset: offset, timestampMilliseconds: 0,
            key: Array(#"{"table":"things","pk":[\#(id)]}"#.utf8), value: text.map { Array($0.utf8) },
            headers: [Header(HeaderName.schema, String(schema))])
        return try StateRecords.read(record)
    }

    private func noGarbage(_ row: StateRecords.Row, _ reason: any Error) { Issue.record("skipped \(row): \(reason)") }

    private func things(_ shard: Shard) throws -> [String] {
        try shard.store.query("SELECT * FROM things ORDER BY id").map { "\($0.values)" }
    }

    @Test func olderRowsAreUpgradedBetweenOthers() throws {
        try withTemporaryDirectory { directory in
            let shard = try Shard.create(path: directory + "/a", identity: Self.identity)
            let migrations = [Self.first, Self.second]
            var restore = ShardRestore(shard, migrations: migrations)
            try restore.apply(
                [
                    Self.row(1, #"{"id":1,"name":"old"}"#, schema: 1, offset: 0),
                    Self.row(2, #"{"id":2,"name":"gone"}"#, schema: 1, offset: 1),
                    Self.row(3, #"{"id":3,"name":"new","size":9}"#, schema: 2, offset: 2),
                    Self.row(2, nil, schema: 2, offset: 3),
                ], skip: noGarbage)
            try ShardRestore(shard, migrations: migrations).finish(upTo: 5)
            #expect(shard.schema == 2 && shard.stateOffset == 5)
            #expect(try things(shard).count == 2)
            #expect(
                try shard.store.query("SELECT size FROM things ORDER BY id").map { try $0.integer("size") } == [7, 9])
            shard.close()
            // Opened again it says how far it is.
            let again = try Shard.open(path: directory + "/a", identity: Self.identity, limits: WorkerLimits())
            #expect(again.schema == 2 && again.stateOffset == 5)
            again.close()
        }
    }

    /// Rows come back one by one, in the order of their last changes: what ties one to another would lose some of them.
    @Test(arguments: [
        (
            "CREATE TABLE parts (id INTEGER PRIMARY KEY, thing INTEGER REFERENCES things ON DELETE CASCADE)",
            "foreign key"
        ),
        ("CREATE TRIGGER count AFTER INSERT ON things BEGIN UPDATE things SET name = 'x'; END", "trigger 'count'"),
    ])
    func aSchemaThatARestoreWouldSpoilIsRefused(_ migration: String, _ reason: String) throws {
        try withTemporaryDirectory { directory in
            let shard = try Shard.create(path: directory + "/a", identity: Self.identity)
            defer { shard.close() }
            let error = try #require(throws: FatalError.self) {
                try ShardRestore(shard, migrations: [Self.first, migration]).finish(upTo: 0)
            }
            #expect(error.description.contains(reason), "\(error)")
        }
    }

    /// Names are the service's own business, also those that mean something to SQL.
    @Test func tablesAndColumnsMayBeCalledAnything() throws {
        try withTemporaryDirectory { directory in
            let table = #"CREATE TABLE "group" ("order" INTEGER PRIMARY KEY, "select" TEXT)"#
            func row(_ order: Int64, _ value: String?, offset: Int64) throws -> StateRecords.Row {
                try StateRecords.read(
                    Record(
                        topic: "s", partition: 0, offset: offset, timestampMilliseconds: 0,
                        key: Array(#"{"table":"group","pk":[\#(order)]}"#.utf8), value: value.map { Array($0.utf8) },
                        headers: [Header(HeaderName.schema, "1")]))
            }
            let shard = try Shard.create(path: directory + "/a", identity: Self.identity)
            defer { shard.close() }
            var restore = ShardRestore(shard, migrations: [table])
            try restore.apply(
                [
                    row(1, #"{"order":1,"select":"a"}"#, offset: 0), row(2, #"{"order":2,"select":"b"}"#, offset: 1),
                    row(1, nil, offset: 2),
                ], skip: noGarbage)
            try ShardRestore(shard, migrations: [table]).finish(upTo: 3)
            let found = try shard.store.query(#"SELECT "order" AS n FROM "group""#).map { try $0.integer("n") }
            #expect(found == [2])
            #expect(try shard.count("group") == 1)
        }
    }

    @Test func newerRowsEndTheProgramAndOlderOnesTheFile() throws {
        try withTemporaryDirectory { directory in
            let migrations = [Self.first, Self.second]
            let shard = try Shard.create(path: directory + "/a", identity: Self.identity)
            let newer = try Self.row(1, "{}", schema: 3, offset: 0)
            var restore = ShardRestore(shard, migrations: migrations)
            #expect(throws: FatalError.self) { try restore.apply([newer], skip: noGarbage) }
            try ShardRestore(shard, migrations: migrations).finish(upTo: 0)
            shard.close()
            let again = try Shard.open(path: directory + "/a", identity: Self.identity, limits: WorkerLimits())
            defer { again.close() }
            let older = try Self.row(1, #"{"id":1,"name":"old"}"#, schema: 1, offset: 0)
            restore = ShardRestore(again, migrations: migrations)
            #expect(throws: StateError.self) { try restore.apply([older], skip: noGarbage) }
        }
    }

    @Test func aFileOfAnythingElseIsRefused() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/a"
            let shard = try Shard.create(path: path, identity: Self.identity)
            try ShardRestore(shard, migrations: [Self.first]).finish(upTo: 0)
            shard.close()
            let i = Self.identity
            let others = [
                ShardIdentity(cluster: "x", system: "s", service: "t", shard: 0, shardCount: 3),
                ShardIdentity(cluster: "c", system: "x", service: "t", shard: 0, shardCount: 3),
                ShardIdentity(cluster: "c", system: "s", service: "x", shard: 0, shardCount: 3),
                ShardIdentity(cluster: "c", system: "s", service: "t", shard: 1, shardCount: 3),
                ShardIdentity(cluster: "c", system: "s", service: "t", shard: 0, shardCount: 4),
            ]
            for other in others {
                #expect(throws: StateError.self) { try Shard.open(path: path, identity: other, limits: WorkerLimits()) }
            }
            var limits = WorkerLimits()
            limits.shardAgeMillisecondsMax = -1
            #expect(throws: StateError.self) { try Shard.open(path: path, identity: i, limits: limits) }
            try Data(repeating: 7, count: 5_000).write(to: URL(fileURLWithPath: path))
            #expect(throws: SQLiteError.self) { try Shard.open(path: path, identity: i, limits: WorkerLimits()) }
        }
    }

    @Test func anotherNumberOfShardsIsRefused() throws {
        try withTemporaryDirectory { directory in
            let shard = try Shard.create(path: directory + "/a", identity: Self.identity)
            defer { shard.close() }
            let record = Record(
                topic: "s", partition: 0, offset: 0, timestampMilliseconds: 0,
                key: Array(#"{"table":"runtime_sequences","pk":["runtime:shards"]}"#.utf8),
                value: Array(#"{"name":"runtime:shards","last":12}"#.utf8),
                headers: [Header(HeaderName.schema, "1")])
            var restore = ShardRestore(shard, migrations: [Self.first])
            try restore.apply([StateRecords.read(record)], skip: noGarbage)
            #expect(throws: FatalError.self) { try ShardRestore(shard, migrations: [Self.first]).finish(upTo: 1) }
        }
    }

    @Test(arguments: [
        Cell.null, .integer(.min), .integer(.max), .real(0.1), .real(-0.0), .real(.infinity), .real(5), .text(""),
        .text("é\u{0}\"\\"), .blob([]), .blob([0, 255, 7]),
    ])
    func valuesTravel(_ value: Cell) throws {
        let text = StateRecords.json(value).text
        #expect(try StateRecords.value(JSON(parsing: text)) == value)
    }

    @Test func recordsOfRowsTravel() throws {
        let change = RowChange(table: "things", key: [.integer(1)], row: [.integer(1), .text("a")])
        let sent = StateRecords.record(change, columns: ["id", "name"], topic: "s", partition: 2, schema: 4)
        #expect(String(decoding: sent.key ?? [], as: UTF8.self) == #"{"table":"things","pk":[1]}"#)
        let read = try StateRecords.read(
            Record(
                topic: "s", partition: 2, offset: 9, timestampMilliseconds: 0, key: sent.key, value: sent.value,
                headers: sent.headers))
        #expect(read.table == "things" && read.key == [.integer(1)] && read.schema == 4 && read.offset == 9)
        #expect(read.columns == ["id": 1, "name": "a"])
        let garbage = Record(
            topic: "s", partition: 2, offset: 9, timestampMilliseconds: 0, key: Array("{}".utf8), value: nil,
            headers: [])
        #expect(throws: StateError.self) { try StateRecords.read(garbage) }
    }
}

@Suite struct FileSystemTests {
    @Test func replacesMakesAndMoves() throws {
        try withTemporaryDirectory { directory in
            try FileSystem.makeDirectories(directory + "/a/b/c")
            try FileSystem.makeDirectories(directory + "/a/b/c")
            let path = directory + "/a/b/c/file"
            #expect(!FileSystem.exists(path) && FileSystem.size(path) == 0)
            try FileSystem.replace(path, with: "one")
            try FileSystem.replace(path, with: "three")
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "three" && FileSystem.size(path) == 5)
            FileSystem.moveDatabase(path, to: path + ".aside")
            #expect(!FileSystem.exists(path) && FileSystem.size(path + ".aside") == 5)
            // The first copy put aside is the one that matters.
            try FileSystem.replace(path, with: "x")
            FileSystem.moveDatabase(path, to: path + ".aside")
            #expect(!FileSystem.exists(path) && FileSystem.size(path + ".aside") == 5)
            #expect(throws: SystemError.self) { try FileSystem.makeDirectories(path + ".aside/below") }
            #expect(throws: SystemError.self) { try FileSystem.replace(directory + "/no/where", with: "") }
        }
    }
}

@Suite struct ParkingTests {
    private func message(_ id: String, call: Int64 = 1, requester: String = "r") -> RequestMessage {
        RequestMessage(
            id: id, call: call, method: .post, path: "/x", replyTo: 0, requester: requester, deadlineMilliseconds: 0,
            ifMatch: nil, trace: TraceContext(), correlation: nil, body: [])
    }

    private func park(_ parking: inout Parking, _ id: String, questions: Int, dueAt: Int64? = nil) -> Int {
        let record = Record(
            topic: "t", partition: 0, offset: 0, timestampMilliseconds: 0, key: nil, value: nil, headers: [])
        let message = message(id)
        return parking.park(
            message, record: record, waiters: [message], shard: 0, cause: Cause(message, origin: "o"), step: 1,
            questions: questions, dueAt: dueAt
        ) { _, _ in .noContent }
    }

    @Test func goesOnWhenAllHaveAnswered() {
        var parking = Parking()
        let number = park(&parking, "a", questions: 2)
        parking.answer("a", number: number, place: 1, .unanswered(reason: ""))
        #expect(parking.takeReady(now: 0).isEmpty)
        parking.answer("a", number: number + 1, place: 0, .unanswered(reason: ""))
        #expect(parking.takeReady(now: 0).isEmpty, "an answer to an earlier stay")
        parking.answer("a", number: number, place: 0, .unanswered(reason: ""))
        #expect(parking.takeReady(now: 0).map(\.request.id) == ["a"])
        #expect(parking.count == 0)
    }

    @Test func timeAndNoQuestions() {
        var parking = Parking()
        _ = park(&parking, "late", questions: 0, dueAt: 100)
        _ = park(&parking, "now", questions: 0)
        #expect(parking.nextDue() == 100)
        #expect(parking.takeReady(now: 99).map(\.request.id) == ["now"])
        #expect(parking.takeReady(now: 100).map(\.request.id) == ["late"])
        #expect(parking.nextDue() == nil)
    }

    @Test func joinsOnce() {
        var parking = Parking()
        _ = park(&parking, "a", questions: 1)
        parking.join(message("a"))
        parking.join(message("a", call: 2))
        parking.join(message("a", requester: "q"))
        parking.join(message("nobody"))
        #expect(parking.find("a")?.waiters.count == 3)
    }
}

@Suite struct RoutesAndListsTests {
    private static let things = Resource(
        "things", item: "thing", id: "id",
        fields: [.identifier("id", readOnly: true), .text("name"), .integer("order", required: false)],
        actions: [.list, .read, .create, .remove], filters: ["name"], "")
    private static let question = Contract.Operation("/ask/{id}", placement: .pathID, "")
    private static let contract = ServiceContract("t", resources: [things], operations: [question], "")
    private static let service = Service(
        contract, migrations: ["CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, \"order\" INTEGER)"]
    ) { rules in
        rules.read(things, from: "things")
        rules.create(things) { _, _ in .noContent }
        rules.remove(things) { _, _ in .noContent }
        rules.answer(question) { request, _ in .text("\(try request.itemID())") }
    }

    private func message(_ method: Contract.Method, _ path: String, _ body: String = "") -> RequestMessage {
        RequestMessage(
            id: "1", call: 1, method: method, path: path, replyTo: 0, requester: "r", deadlineMilliseconds: 0,
            ifMatch: nil, trace: TraceContext(), correlation: nil, body: Array(body.utf8))
    }

    @Test(arguments: [
        (Contract.Method.get, "/things", "", "list"), (.get, "/things?limit=1", "", "list"),
        (.get, "/things/3", "", "item 3"),
        (.post, "/things", #"{"name":"a"}"#, "rule"), (.delete, "/things/3", "", "rule 3"),
        (.get, "/ask/9", "", "rule 9"),
        (.post, "/things", "", "400"), (.post, "/things", "{}", "400"), (.put, "/things/3", "{}", "405"),
        (.patch, "/things", "{}", "405"), (.delete, "/things", "", "405"), (.post, "/ask/9", "", "405"),
        (.get, "/other", "", "404"), (.get, "/things/3/4", "", "404"), (.get, "/things/x", "", "400"),
        (.get, "/things/-1", "", "404"), (.get, "", "", "404"), (.get, "/", "", "404"), (.head, "/things", "", "405"),
    ])
    func routes(_ method: Contract.Method, _ path: String, _ body: String, _ expected: String) {
        let routes = Routes(Self.service)
        let found: String
        do {
            let target = try routes.target(of: message(method, path, body))
            let home = routes.home(of: target).map { " \($0)" } ?? ""
            switch target {
            case .list: found = "list"
            case .item: found = "item\(home)"
            case .rule: found = "rule\(home)"
            }
        } catch { found = "\(error.status)" }
        #expect(found == expected, "\(method) \(path)")
    }

    @Test func truthIsNoNumber() throws {
        let resource = Resource(
            "t", item: "t", id: "id", fields: [.identifier("id"), .flag("open"), .flag("paid"), .flag("sent")],
            actions: [.read], "")
        try withTemporaryDirectory { directory in
            let store = try Connection(path: directory + "/a")
            defer { store.close() }
            let row = try store.first("SELECT 1 AS id, 1 AS open, 0 AS paid, NULL AS sent")
            #expect(resource.item(try #require(row)).text == #"{"id":1,"open":true,"paid":false,"sent":null}"#)
            var bytes: [UInt8] = []
            resource.write(try #require(row).values, to: &bytes)
            #expect(String(decoding: bytes, as: UTF8.self) == resource.item(try #require(row)).text)
            #expect(Cell(.bool(true)) == .integer(1))
        }
    }

    @Test func splitsAndDecodes() {
        let (segments, query) = Routes.split("/a%20b/c?x=1&y=%C3%A9&z&=q")
        #expect(segments == ["a b", "c"])
        #expect(query.map { "\($0.name)=\($0.value)" } == ["x=1", "y=é", "z=", "=q"])
    }

    @Test(arguments: [
        ("/things", "3: 1 2 3"), ("/things?limit=2", "3: 1 2"), ("/things?sort=name,desc&limit=9", "3: 2 3 1"),
        ("/things?sort=order", "3: 3 1 2"), ("/things?name=b", "2: 2 3"), ("/things?name=b&sort=id,desc", "2: 3 2"),
        ("/things?name=%27%20OR%201=1", "0:"), ("/things?sort=id;DROP", "3: 1 2 3"), ("/things?limit=0", "3:"),
        ("/things?limit=x", "400"), ("/things?limit=99999999999", "400"),
    ])
    func lists(_ path: String, _ expected: String) throws {
        try withTemporaryDirectory { directory in
            let identity = ShardIdentity(cluster: "c", system: "s", service: "t", shard: 0, shardCount: 1)
            let shard = try Shard.create(path: directory + "/a", identity: identity)
            defer { shard.close() }
            try ShardRestore(shard, migrations: Self.service.migrations).finish(upTo: 0)
            for values in ["(1,'a',5)", "(2,'b',5)", "(3,'b',NULL)"] {
                try shard.store.execute("INSERT INTO things VALUES \(values)")
            }
            let lists = Lists(rowsMax: 1_000, bytesMax: 1 << 20)
            let found: String
            do {
                let reply = try lists.answer(Self.things, table: "things", message: message(.get, path), shard: shard)
                let body = try JSON(parsing: reply.body)
                let ids = (body["items"].array ?? []).map { " \($0["id"].integer ?? 0)" }.joined()
                found = "\(body["total"].integer ?? -1):\(ids)"
            } catch let problem as Problem { found = "\(problem.status)" }
            #expect(found == expected)
        }
    }
}
