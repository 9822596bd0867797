// A start that Kafka keeps waiting: it hears when it is told to stop, and goes on where a call has run out of time.
@_spi(Testing) import Kafka
import Platform
import Testing

@testable import Worker
@testable import counter

@Suite(.serialized) struct StartTests {
    private static let initProducerID: Int16 = 22
    private static let stillLoading: Int32 = 14

    /// Cluster and handles stay: what is never closed would look for a cluster that is gone as long as the tests run.
    private func log(coordinatorLoads times: Int) throws -> KafkaLog {
        let cluster = neverClosed(try MockCluster())
        let topics = Counters.system.topics
        for topic in [topics.events, topics.requests("counter"), topics.state("counter"), topics.deadLetters] {
            cluster.createTopic(topic, partitions: 1)
        }
        cluster.pushErrors(api: Self.initProducerID, [Int32](repeating: Self.stillLoading, count: times))
        let replies = neverClosed(try Producer(cluster.settings, clientID: "replies"))
        return try KafkaLog(
            settings: cluster.settings, topics: topics, service: "counter", instance: "i", limits: WorkerLimits(),
            replies: replies)
    }

    @Test func isStoppedInTheMiddle() throws {
        let log = try log(coordinatorLoads: 10_000)
        let started = Clock.monotonicMilliseconds()
        var asked = 0
        let isReady = try log.prepare {
            asked += 1
            return asked < 4
        }
        #expect(!isReady && asked == 4)
        #expect(Clock.monotonicMilliseconds() - started < 10_000)
    }

    /// Longer than one call may take: the next takes up what the last has begun.
    @Test func goesOnWhereACallRanOutOfTime() throws {
        let log = try log(coordinatorLoads: 9)
        var asked = 0
        let isReady = try log.prepare {
            asked += 1
            return true
        }
        #expect(isReady && asked > 5)
    }
}

@Suite struct LookPaceTests {
    @Test func looksThatFailTakeATenthOfTheTimeAtMost() {
        var pace = LookPace()
        #expect(pace.isDue(now: 0, isCurrent: false) && !pace.isDue(now: 0, isCurrent: true))
        // Refused at once: it may be back in a moment.
        pace.failed(from: 1_000, to: 1_001)
        #expect(!pace.isDue(now: 1_200, isCurrent: false) && pace.isDue(now: 1_201, isCurrent: false))
        // Silent: each look has cost a second.
        pace.failed(from: 2_000, to: 3_000)
        #expect(!pace.isDue(now: 12_999, isCurrent: false) && pace.isDue(now: 13_000, isCurrent: false))
        pace.failed(from: 20_000, to: 26_000)
        #expect(!pace.isDue(now: 55_999, isCurrent: false) && pace.isDue(now: 56_000, isCurrent: false))
        pace.succeeded(at: 60_000)
        #expect(!pace.isDue(now: 89_999, isCurrent: true) && pace.isDue(now: 90_000, isCurrent: true))
        #expect(pace.isDue(now: 60_001, isCurrent: false))
    }
}
