// The counter service as its callers see it, on every broker.
import Contract
import Foundation
import Kafka
import Platform
import TestSupport
import Testing
import Wire

@testable import Worker

@Suite(.serialized) struct SmokeTests {
    @Test(arguments: BrokerKind.available) func countsMovesAndLists(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            let worker = try counting.worker()
            for id in Int64(1)...6 { try counting.expect(201, counting.increment(id, by: id * 10)) }
            // 1 and 2 live in different shards; 1 and 5 in the same.
            try counting.expect(201, counting.move(4, from: 1, to: 2))
            try counting.expect(201, counting.move(3, from: 5, to: 1))
            try counting.waitFor(1, value: 9, seen: 3)
            try counting.waitFor(2, value: 24, seen: 2)
            try counting.waitFor(5, value: 47, seen: 2)
            let list = try counting.expect(
                200, counting.call(.get, "/counters?limit=10&sort=value,desc", home: 1))
            #expect(
                list.text == #"{"total":2,"items":["#
                    + [
                        #"{"counterId":5,"value":47,"seen":2}"#, #"{"counterId":1,"value":9,"seen":3}"#,
                    ].joined(separator: ",") + "]}")
            #expect(try worker.stop() == 0)
            try counting.filesEqualTopic((0..<4).map { (worker, $0) })
        }
    }

    @Test(arguments: BrokerKind.available) func aRepeatHearsTheFirstAnswer(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            try counting.worker()
            for _ in 0..<3 { try counting.expect(201, counting.increment(1, by: 5, key: "once")) }
            try counting.waitFor(1, value: 5, seen: 1)
            try counting.expect(422, counting.increment(1, by: 6, key: "once"))
            // What it is to be applied to is a part of the request.
            var conditional = counting.increment(1, by: 5, key: "once")
            conditional.ifMatch = "\"another\""
            try counting.expect(422, conditional)
            let plain = counting.increment(1, key: "claimed")
            var other = plain
            other.ifMatch = "\"one\""
            #expect(
                other.claim(among: Shards(count: 1_000))?.claims != plain.claim(among: Shards(count: 1_000))?.claims)
            // Refusals are answers, too.
            let wrong = counting.call(.post, "/increments", ["counterId": 1, "amount": 5000], home: 1, key: "wrong")
            try counting.expect(400, wrong)
            try counting.expect(400, wrong)
            try counting.waitFor(1, value: 5, seen: 1)
        }
    }

    /// An aborted transaction leaves records and a marker that no consumer is given; nobody waits for them.
    @Test(arguments: BrokerKind.available) func whatWasAbortedIsNoBacklog(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            let worker = try counting.worker()
            try counting.expect(201, counting.increment(1))
            let producer = try TransactionalProducer(
                counting.broker.settings, transactionalID: "\(counting.name)-aborts")
            try producer.initialise(timeoutMilliseconds: 30_000)
            try producer.begin()
            for shard in 0..<counting.shards.count {
                for _ in 0..<3 {
                    try producer.send(
                        OutgoingRecord(
                            topic: counting.topics.events, partition: shard, key: nil, value: Array("{}".utf8)))
                }
            }
            try eventually(timeout: 20, "the open transaction to be seen") { worker.health["lag"].integer ?? 0 > 0 }
            try producer.abort(timeoutMilliseconds: 30_000)
            try eventually(timeout: 20, "the backlog to be gone") { worker.health["lag"] == 0 }
        }
    }

    /// A key is kept by one shard for all, so that it finds the other request wherever that leads.
    @Test(arguments: BrokerKind.available) func aKeyStandsForOneRequestOfAllShards(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            let worker = try counting.worker()
            // The key "k" in the wording of each of the four shards: one of them keeps it, three must ask that one.
            let calls = (Int64(1)...4).map { counting.increment($0, key: "k") }
            let claims = calls.compactMap { $0.claim(among: counting.shards) }
            #expect(claims.count == 3)
            try counting.expect(204, claims[0])
            try counting.expect(204, claims[0])
            try counting.expect(422, claims[1])
            // The keeper itself refuses it without being asked.
            let own = try #require(calls.first { $0.claim(among: counting.shards) == nil })
            try counting.expect(422, own)
            var strayed = claims[0]
            strayed.shard = (strayed.shard + 1) % 4
            try counting.expect(421, strayed)
            // It is state like any other: another life, and another file, know it still.
            #expect(try worker.stop() == 0)
            try FileManager.default.removeItem(atPath: worker.directory)
            try worker.start()
            try worker.waitUntilReady()
            try counting.expect(422, claims[2])
            try counting.expect(204, claims[0])
            // What a keeper has done itself is found by those who ask it.
            let done = counting.increment(Int64(counting.shards.owner(ofText: "d")) + 1, key: "d")
            try counting.expect(201, done)
            let other = counting.increment(Int64((done.shard + 1) % 4) + 1, key: "d")
            try counting.expect(422, try #require(other.claim(among: counting.shards)))
        }
    }

    @Test(arguments: BrokerKind.available) func refusals(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            try counting.worker()
            try counting.expect(404, counting.call(.get, "/counters/1", home: 1))
            try counting.expect(404, counting.call(.get, "/nothing", home: 1))
            try counting.expect(404, counting.call(.get, "/counters/1/2", home: 1))
            try counting.expect(400, counting.call(.get, "/counters/one", home: 1))
            try counting.expect(405, counting.call(.delete, "/counters/1", home: 1))
            try counting.expect(405, counting.call(.get, "/increments", home: 1))
            try counting.expect(400, counting.call(.post, "/increments", ["counterId": 1], home: 1))
            try counting.expect(400, counting.call(.get, "/counters?limit=-1", home: 1))
            // An id that another shard owns is refused, wherever it stands.
            try counting.expect(421, counting.call(.get, "/counters/2", home: 1))
            try counting.expect(
                421, counting.call(.post, "/increments", ["counterId": 2, "amount": 1], home: 1))
            try counting.expect(201, counting.increment(1))
            try counting.waitFor(1, value: 1, seen: 1)
        }
    }

    /// Nobody runs when it is sent; when somebody does, its deadline has passed.
    @Test(arguments: BrokerKind.available) func aRequestPastItsDeadlineIsNeverApplied(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            let late = counting.increment(1, by: 100, milliseconds: 300)
            try counting.expect(504, late)
            Pause.milliseconds(1_100)  // the allowance for clocks that differ
            try counting.worker()
            try counting.expect(201, counting.increment(1, by: 1))
            try counting.waitFor(1, value: 1, seen: 1)
        }
    }

    @Test(arguments: BrokerKind.available) func badRecordsBecomeDeadLetters(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            let worker = try counting.worker()
            try counting.expect(201, counting.increment(1))
            let bad = try BadRecords.send(to: counting)
            try counting.expect(201, counting.increment(1))
            try counting.waitFor(1, value: 2, seen: 2)
            let letters = try eventually(timeout: 30, "all dead letters", every: 100) {
                let letters = try readAll(counting.topics.deadLetters, 0, counting.broker.settings)
                return letters.count >= bad.count ? letters : nil
            }
            #expect(letters.count == bad.count)
            for (name, topic, value) in bad {
                let letter = try #require(letters.first { $0.header("name") == name }, "no dead letter for: \(name)")
                #expect(letter.value == value, "\(name)")
                #expect(letter.header("original-topic") == topic, "\(name)")
                #expect(letter.header("original-partition") == "0")
                #expect(letter.header("original-offset") != nil)
                #expect(letter.header("reason")?.isEmpty == false)
                #expect(letter.header("service") == counting.service)
                #expect(letter.header("time")?.hasSuffix("Z") == true)
            }
            #expect(try worker.stop() == 0)
            try counting.filesEqualTopic((0..<4).map { (worker, $0) })
        }
    }

    /// A letter that is put back is for the one service that could not handle it: the others have.
    @Test(arguments: BrokerKind.available) func anEventForOneServiceIsSkippedByTheOthers(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            try counting.worker()
            try counting.expect(201, counting.increment(1))
            try counting.waitFor(1, value: 1, seen: 1)
            let producer = try Producer(counting.broker.settings, clientID: "replays")
            for service in ["another", counting.service, "another"] {
                try producer.send(
                    OutgoingRecord(
                        topic: counting.topics.events, partition: 0, key: nil,
                        value: Array("{\"eventType\":\"Counted\",\"counterId\":1,\"value\":1}".utf8),
                        headers: [Header("for-service", service)]))
            }
            try producer.flush(timeoutMilliseconds: 20_000)
            try counting.expect(201, counting.increment(1))
            // Its own event comes behind all three.
            try counting.waitFor(1, value: 2, seen: 3)
        }
    }

    @Test(arguments: BrokerKind.available) func stateComesBackWithoutTheFile(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            // Whoever repeats a request leaves records behind, and the second life would read them and move on.
            try counting.connect(["REPEAT_MILLISECONDS": "60000", "REPEAT_MILLISECONDS_MAX": "60000"])
            // A query is read again after a stop right behind it; its offset alone must not be what differs.
            let patient = ["IDLE_COMMIT_MILLISECONDS": "60000"]
            let worker = try counting.worker(0, patient)
            for round in Int64(1)...20 { try counting.expect(201, counting.increment(round % 8 + 1, by: round)) }
            try counting.waitFor(1, value: 24, seen: 2)
            #expect(try worker.stop() == 0)
            let before = try (0..<4).map { try StateDump.ofFile(worker.file($0)) }
            removeDirectory(worker.directory)
            // No request in between: it would move the input offsets.
            try worker.restart(patient)
            #expect(try worker.stop() == 0)
            for shard in 0..<4 {
                let differences = before[shard].differences(from: try StateDump.ofFile(worker.file(shard)))
                #expect(differences.isEmpty, "shard \(shard): \(differences)")
            }
        }
    }
}

/// One record of each kind of bad.
enum BadRecords {
    /// What each was called, its topic and its value. All go to partition 0.
    static func send(to counting: Counting) throws -> [(name: String, topic: String, value: [UInt8]?)] {
        let producer = try Producer(counting.broker.settings, clientID: "bad")
        let (events, requests) = (counting.topics.events, counting.topics.requests(counting.service))
        try producer.warmUp(topics: [events, requests], timeoutMilliseconds: 20_000)
        var sent: [(name: String, topic: String, value: [UInt8]?)] = []
        func send(_ name: String, _ topic: String, _ value: [UInt8]?, _ headers: Headers = []) throws {
            sent.append((name, topic, value))
            try producer.send(
                OutgoingRecord(
                    topic: topic, partition: 0, key: nil, value: value, headers: headers + [Header("name", name)]))
        }
        func send(_ name: String, _ topic: String, _ text: String, _ headers: Headers = []) throws {
            try send(name, topic, Array(text.utf8), headers)
        }
        let give: Headers = [Header(HeaderName.command, "Give")]
        try send("event that is not JSON", events, "so it goes")
        try send("event that is no object", events, "[1]")
        try send("event without a value", events, nil)
        try send("event that is not UTF-8", events, [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])
        try send("event without a type", events, "{\"counterId\":1}")
        try send("event of another shard", events, "{\"eventType\":\"Counted\",\"counterId\":2,\"value\":1}")
        try send("event with a wrong type", events, "{\"eventType\":\"Counted\",\"counterId\":[],\"value\":1}")
        try send("event that lacks a field", events, "{\"eventType\":\"Counted\",\"counterId\":1}")
        try send("event about no id", events, "{\"eventType\":\"Counted\",\"counterId\":0,\"value\":1}")
        try send("request without headers", requests, "{}")
        try send("request of no method", requests, "{}", request(method: "STEAL"))
        try send("request to nowhere", requests, "{}", request(replyTo: "99"))
        try send("request with a deadline in words", requests, "{}", request(deadline: "soon"))
        try send("command that nobody knows", requests, "{}", [Header(HeaderName.command, "Fly")])
        try send("command that is not JSON", requests, "{", give)
        try send("command without a field", requests, "{\"to\":1}", give)
        try send("command to another shard", requests, "{\"to\":2,\"amount\":1}", give)
        try send("command beyond all numbers", requests, "{\"to\":1,\"amount\":1e99}", give)
        try send("giant command", requests, Array(repeating: 0x20, count: 1_900_000), give)
        // Ids travel on, into keys and headers of other records: one that is too long must not get that far.
        let (counted, increment) = (
            "{\"eventType\":\"Counted\",\"counterId\":1,\"value\":1}", "{\"counterId\":1,\"amount\":1}"
        )
        let long = String(repeating: "l", count: 1_150_000)
        let write = request(method: "POST", path: "/increments")
        for name in [HeaderName.id, HeaderName.requester, HeaderName.path, HeaderName.correlation] {
            try send("request whose \(name) is giant", requests, increment, write + [Header(name, long)])
        }
        for (name, giant) in [(HeaderName.id, long), (HeaderName.correlation, long), (HeaderName.id, Self.longID)] {
            try send(
                "command with a giant \(name), \(giant.utf8.count)", requests, "{\"to\":1,\"amount\":1}",
                give + [Header(name, giant)])
        }
        let half = String(repeating: "h", count: 950_000)
        try send(
            "event with two giant ids", events, counted,
            [Header(HeaderName.eventID, half), Header(HeaderName.correlation, half)])
        try send("event of giant headers", events, counted, [Header("stuffing", half), Header("more", half)])
        // Of no interest, but no trouble either: an event nobody reacts to, and a deadline at the end of time.
        let ignored = OutgoingRecord(
            topic: events, partition: 0, key: nil, value: Array("{\"eventType\":\"Rained\"}".utf8))
        try producer.send(ignored)
        try producer.send(
            OutgoingRecord(
                topic: events, partition: 0, key: nil, value: Array(repeating: 0x20, count: 1_900_000),
                headers: [Header(HeaderName.eventType, "Rained"), Header(HeaderName.eventID, Self.longID)]))
        try producer.send(
            OutgoingRecord(
                topic: requests, partition: 0, key: nil, value: [], headers: request(deadline: String(Int64.max))))
        try producer.flush(timeoutMilliseconds: 20_000)
        return sent
    }

    /// A little too long.
    private static let longID = String(repeating: "i", count: 1_025)

    private static func request(
        method: String = "GET", path: String = "/counters/1", replyTo: String = "0", deadline: String = "99999999999999"
    ) -> Headers {
        [
            Header(HeaderName.id, "bad"), Header(HeaderName.call, "1"), Header(HeaderName.method, method),
            Header(HeaderName.path, path), Header(HeaderName.replyTo, replyTo),
            Header(HeaderName.requester, "nobody"), Header(HeaderName.deadline, deadline),
        ]
    }
}
