// What is planted must be what its note says, on systems of any size.
import Contract
import Kafka
import Operations
import Platform
import TestSupport
import Testing
import Wire

@testable import Drills

@Suite struct VandalTests {
    private struct Silent: DrillScenario {
        func prepare(_ client: DrillClient, _ random: inout DrillRandom) {}
        func perform(_ client: DrillClient, _ random: inout DrillRandom) -> Int { 0 }
        func mayComeTwice(_ event: JSONObject) -> Bool { true }
        func probe(_ client: DrillClient) -> Write {
            Write(key: "", method: "", path: "", body: nil, status: nil, answer: .null)
        }
        func isFallback(_ write: Write) -> Bool { false }
        func judge(_ evidence: Evidence) -> Judgement { Judgement() }
    }

    /// A copy in the partition it came from is an event a second time, which nobody buries.
    @Test func withOneShardNoEventIsInTheWrongPlace() throws {
        let kafka = KafkaSettings(bootstrap: try SharedEmbeddedBroker.shared.get().bootstrap)
        let store = ServiceContract("store", resources: [], policies: ["Made"], "Keeps things")
        let system = SystemContract("vandalised", title: "Vandalised", services: [store], "A system of one shard.")
        _ = try TopicCreation(system, settings: Settings(["SHARDS": "1"]), bootstrap: kafka.bootstrap).run()
        let vandal = Vandal(
            system: system, shards: 1, kafka: kafka, scenario: Silent(), seed: 7, pauseMilliseconds: 2)
        let thread = vandal.start()
        defer {
            vandal.stop()
            thread.join()
        }
        let event = Array(#"{"eventType":"Made"}"#.utf8)
        let producer = try Producer(kafka, clientID: "events")
        try eventually(timeout: 60, "many events a second time", every: 5) {
            try producer.send(OutgoingRecord(topic: system.topics.events, partition: 0, key: nil, value: event))
            producer.serve(timeoutMilliseconds: 0)
            return vandal.result.duplicates > 40
        }
        #expect(vandal.result.problem == nil)
        #expect(!vandal.result.planted.contains { $0.value == event })
    }
}
