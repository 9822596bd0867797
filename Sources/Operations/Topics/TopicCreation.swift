// Makes the topics of a system, as often as one likes: what is there stays, what is missing is added.
package import Contract
import Kafka
package import Platform

package struct TopicCreation {
    /// The names of the topics, by what became of them.
    package struct Result: Sendable, CustomStringConvertible {
        let created: [String]
        let existing: [String]

        package var description: String {
            switch (created.count, existing.count) {
            case (0, let there): "\(Readable.count(there, "topic")), all there already"
            case (let made, 0): "\(Readable.count(made, "topic")) created"
            case (let made, let there): "\(Readable.count(made, "topic")) created, \(there) there already"
            }
        }
    }

    private static let retryMilliseconds: Int64 = 100
    private static let retryMillisecondsMax: Int64 = 3_000
    /// A call that took longer is made again, which finds what the first one did.
    private static let callMilliseconds: Int32 = 5_000

    private let plans: [TopicPlan]
    private let settings: TopicSettings
    private let kafka: KafkaSettings

    package init(_ system: SystemContract, settings: Settings, bootstrap: String) throws(SettingsError) {
        self.settings = try TopicSettings(settings)
        kafka = try KafkaSettings.fromEnvironment(settings.replacing(["KAFKA_BOOTSTRAP": bootstrap]))
        plans = TopicPlan.all(
            system, shards: self.settings.shards, events: self.settings.eventsRetentionMilliseconds)
    }

    /// Waits for a broker that is still starting; `waiting` is told why, and may throw.
    package func run(waiting: (String) throws -> Void = { _ in }) throws -> Result {
        let deadline = Clock.monotonicMilliseconds() + settings.patienceMilliseconds
        var pause = Self.retryMilliseconds
        while true {
            do {
                return try create()
            } catch let error as KafkaError where error.remedy == .retry && Clock.monotonicMilliseconds() < deadline {
                try waiting(error.description)
                Pause.milliseconds(pause)
                pause = min(pause * 2, Self.retryMillisecondsMax)
            }
        }
    }

    private func create() throws -> Result {
        let specs = plans.map { plan in
            TopicSpec(
                name: plan.name, partitions: Int(plan.partitions),
                replicationFactor: Int(settings.replicationFactor),
                configs: plan.settings.merging(["min.insync.replicas": String(settings.minInSyncReplicas)]) { $1 })
        }
        var created: [String] = []
        var existing: [String] = []
        for (name, outcome) in try Admin.createTopics(specs, kafka, timeoutMilliseconds: Self.callMilliseconds) {
            switch outcome {
            case .created: created.append(name)
            case .exists: existing.append(name)
            case .failed(let error): throw error
            }
        }
        try check(existing)
        return Result(created: created.sorted(), existing: existing.sorted())
    }

    /// The number of partitions is the number of shards, and fixed for the life of a system.
    private func check(_ existing: [String]) throws {
        guard !existing.isEmpty else { return }
        let counts = try Admin.describeTopics(existing, kafka, timeoutMilliseconds: Self.callMilliseconds)
        for plan in plans {
            guard let count = counts[plan.name], count != Int(plan.partitions) else { continue }
            throw Failure(
                "topic '\(plan.name)' has \(Readable.count(count, "partition")), expected \(plan.partitions)"
                    + " (SHARDS); the number is fixed when the topics are created")
        }
    }
}
