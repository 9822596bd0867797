// The topics of a system, the waiting times of a supervisor, and texts for people.
import Platform
import Testing
import Wire

@testable import Operations

@Suite struct PlanTests {
    @Test func topicsOfTheArchitecture() throws {
        let plans = TopicPlan.all(Sample.system.contract, shards: 12, events: 86_400_000)
        let partitions = Dictionary(plans.map { ($0.name, $0.partitions) }, uniquingKeysWith: { $1 })
        #expect(
            partitions == [
                "sample": 12, "sample.store.requests": 12, "sample.store.state": 12, "sample.replies": 16,
                "sample.dead-letters": 1, "sample.telemetry": 1,
            ])
        let state = try #require(plans.first { $0.name == "sample.store.state" })
        #expect(state.settings["cleanup.policy"] == "compact")
        #expect(state.settings["delete.retention.ms"] == "604800000")
        let replies = try #require(plans.first { $0.name == "sample.replies" })
        #expect(replies.settings["max.message.bytes"] == "8388608")
        #expect(replies.settings["retention.ms"] == "600000")
    }

    @Test func topicSettingsAreCheckedAgainstEachOther() throws {
        let three = try TopicSettings(Settings(["KAFKA_REPLICATION_FACTOR": "3"]))
        #expect(three.minInSyncReplicas == 2)
        #expect(throws: SettingsError.self) { try TopicSettings(Settings(["KAFKA_MIN_INSYNC_REPLICAS": "2"])) }
        #expect(throws: SettingsError.self) { try TopicSettings(Settings(["SHARDS": "0"])) }
    }

    @Test func backoffDoublesAndForgets() {
        var backoff = Backoff()
        let quick = (0..<8).map { _ in backoff.delay(afterLiving: 10) }
        #expect(quick == [100, 200, 400, 800, 1600, 3200, 5000, 5000])
        #expect(backoff.delay(afterLiving: Backoff.healthyMilliseconds) == 100)
        #expect(backoff.delay(afterLiving: 10) == 200)
    }

    @Test func exitStatuses() {
        #expect(ExitStatus(raw: 2 << 8).isConfigurationError)
        #expect(ExitStatus(raw: 9).description == "was ended by signal 9")
        #expect(ExitStatus(raw: 1 << 8).description == "ended with exit status 1")
    }

    @Test(arguments: [(999, "999 ms"), (1_250, "1.2 s"), (61_000, "1 min 1 s"), (7_260_000, "2 h 1 min")])
    func durations(milliseconds: Int64, text: String) {
        #expect(Readable.duration(milliseconds: milliseconds) == text)
    }

    @Test func sizes() {
        #expect(Readable.size(bytes: 100) == "100 B")
        #expect(Readable.size(bytes: 15 << 20) == "15.0 MiB")
        #expect(Readable.size(bytes: 3 << 29) == "1.5 GiB")
    }

    @Test func tablesAlignNumbersToTheRight() {
        var table = Table(["name", " number"])
        table.add(["a", "1"])
        table.add(["longer", "1000"])
        #expect(table.lines(Style(isColoured: false)) == ["name    number", "a            1", "longer    1000"])
    }

    @Test func demoTextsTakeWhatWasRemembered() {
        let remembered: [String: JSON] = ["order": 4, "name": "hong"]
        #expect(DemoText.fill("/orders/{order}?by={name}&x={y}", remembered) == "/orders/4?by=hong&x={y}")
        let filled = DemoText.fill(["id": "{order}", "text": "order {order}", "number": 1], remembered)
        #expect(filled == ["id": 4, "text": "order 4", "number": 1])
        func missing(_ call: DemoStep.Call) -> String? { DemoText.missing(in: call, remembered) }
        #expect(missing(.get("/orders/{order}")) == nil && missing(.get("/orders/{order}/{page}")) == "page")
        #expect(missing(.post("/orders", ["by": "{name}", "number": 1])) == nil)
        #expect(missing(.post("/orders", ["by": "{alice}"])) == "alice")
    }
}
