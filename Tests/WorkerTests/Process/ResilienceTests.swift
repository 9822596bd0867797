// Records larger than any letter, replies that are gone, clients that stop: on every broker, nobody falls over.
import Contract
import Dispatch
import Kafka
import TestSupport
import Testing
import Wire

@testable import Worker

@Suite(.serialized) struct ResilienceTests {
    /// A topic's limit holds for the compressed record; what a worker reads may be many times larger. Here the topics
    /// simply take more.
    @Test(arguments: BrokerKind.available) func aGiantRecordIsBuriedWithoutItsContent(_ kind: BrokerKind) throws {
        try Counting.with(kind, inputBytesMax: 16 << 20) { counting in
            let worker = try counting.worker()
            try counting.expect(201, counting.increment(1))
            var settings = counting.broker.settings
            settings.messageMaxBytes = 16 << 20
            let producer = try Producer(settings, clientID: "giant")
            let (events, requests) = (counting.topics.events, counting.topics.requests(counting.service))
            // More than a letter may have, and more than a producer sends.
            for (topic, bytes) in [(requests, 5 << 20), (requests, 10 << 20), (events, 10 << 20)] {
                try producer.send(
                    OutgoingRecord(
                        topic: topic, partition: 0, key: nil, value: Array(repeating: 0x20, count: bytes),
                        headers: [Header(HeaderName.command, "Give")]))
            }
            try producer.flush(timeoutMilliseconds: 30_000)
            try counting.expect(201, counting.increment(1))
            let letters = try eventually(timeout: 30, "the dead letters", every: 100) {
                let letters = try readAll(counting.topics.deadLetters, 0, counting.broker.settings)
                return letters.count >= 3 ? letters : nil
            }
            #expect(letters.count == 3)
            for letter in letters {
                #expect(letter.value == nil && letter.header(HeaderName.command) == "Give")
                #expect((letter.headers.number("original-bytes") ?? 0) >= 5 << 20)
            }
            #expect(try worker.stop() == 0)
            #expect(!worker.log.contains("ended: "))
        }
    }

    /// The reply topic was made anew, or what the reader had to read next was deleted: it goes on where the topic ends now,
    /// and the repeat of a call is answered there.
    @Test(arguments: BrokerKind.available) func repliesThatAreGoneDoNotMakeDeaf(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            try counting.worker()
            for _ in 0..<3 { try counting.expect(201, counting.increment(1)) }
            try Admin.deleteTopics([counting.topics.replies], counting.broker.settings)
            try eventually(timeout: 30, "the replies gone", every: 100) {
                try Admin.listTopics(counting.broker.settings)[counting.topics.replies] == nil
            }
            try counting.createTopics([counting.topics.replies])
            try counting.expect(201, counting.increment(1))
            try counting.waitFor(1, value: 4, seen: 4)
        }
    }

    @Test(arguments: BrokerKind.available) func whoeverWaitsWhenAClientStopsIsTold(_ kind: BrokerKind) throws {
        try Counting.with(kind) { counting in
            // Nobody answers: there is no worker.
            let client = try counting.newClient()
            let heard = Box<[Int]>([])
            for id in Int64(1)...3 {
                client.send(counting.increment(id)) { result in
                    guard case .refused(let problem) = result else { return }
                    heard.update { $0.append(problem.status) }
                }
            }
            client.stop()
            #expect(heard.value.count == 3)
            #expect(heard.value.allSatisfy { $0 == 503 || $0 == 504 })
            client.send(counting.increment(1)) { _ in heard.update { $0.append(0) } }
            #expect(heard.value.count == 4, "later ones are told at once")
        }
    }
}
