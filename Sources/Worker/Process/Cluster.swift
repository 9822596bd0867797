// The broker and its topics, waited for: a process that starts before Kafka is not ready, and says what it waits for.
public import Contract
public import Kafka
import Platform
public import Wire

public enum Cluster {
    public struct Facts: Sendable {
        public let id: String
        public let shards: Shards
    }

    /// Asks until the broker answers and every topic of the system is there. `report` hears what is being waited for,
    /// and says whether to go on waiting; nil comes back when it does not. Throws what no waiting can mend.
    public static func waitForTopics(
        of system: SystemContract, services: [String], kafka: KafkaSettings, report: (String) -> Bool
    ) throws -> Facts? {
        var pause: Int64 = 50
        while true {
            let problem: String
            do {
                let wanted = topics(of: system, services)
                let counts = try Admin.describeTopics(wanted, kafka, timeoutMilliseconds: 5_000)
                let missing = wanted.filter { counts[$0] == nil }
                if missing.isEmpty {
                    let shards = try checkPartitions(counts, system, services)
                    return Facts(id: try Admin.clusterID(kafka, timeoutMilliseconds: 5_000), shards: shards)
                }
                problem = "topics are missing: \(missing.joined(separator: ", "))"
            } catch let error as KafkaError where error.remedy != .fixConfiguration {
                problem = "Kafka at \(kafka.bootstrap) cannot be reached: \(error)"
            }
            guard report(problem) else { return nil }
            Pause.milliseconds(pause)
            pause = min(pause * 2, 1_000)
        }
    }

    private static func topics(of system: SystemContract, _ services: [String]) -> [String] {
        let topics = system.topics
        return [topics.events, topics.replies, topics.deadLetters, topics.telemetry]
            + services.flatMap { [topics.requests($0), topics.state($0)] }
    }

    /// Shards are partitions: all sharded topics must have the same number of them.
    private static func checkPartitions(
        _ counts: [String: Int], _ system: SystemContract, _ services: [String]
    ) throws -> Shards {
        let topics = system.topics
        let events = counts[topics.events] ?? 0
        for topic in services.flatMap({ [topics.requests($0), topics.state($0)] }) where counts[topic] != events {
            throw FatalError(
                "topic \(topic) has \(counts[topic] ?? 0) partitions, \(topics.events) has \(events): they must be equal"
            )
        }
        guard counts[topics.replies] == Int(Topics.replyPartitions) else {
            throw FatalError(
                "topic \(topics.replies) has \(counts[topics.replies] ?? 0) partitions, expected \(Topics.replyPartitions)"
            )
        }
        return Shards(count: Int32(events))
    }
}
