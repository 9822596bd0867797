// Waits until nothing moves any more: every process well, nothing left to read, nothing new on the topics.
import Contract
import Kafka
import Operations
import Platform

struct Quiet {
    /// Longer than the pause between two repeats of an unanswered call.
    static let windowMilliseconds: Int64 = 5_000
    static let patienceMilliseconds: Int64 = 180_000
    private static let callMilliseconds: Int32 = 15_000

    let system: SystemContract
    let shards: Int32
    let run: RunDirectory
    let kafka: KafkaSettings

    /// Returns how long it took; throws when there is no end.
    func wait(_ crew: Crew) throws -> Int64 {
        let started = Clock.monotonicMilliseconds()
        crew.resumeAll()
        try crew.awaitReady(milliseconds: Self.patienceMilliseconds)
        let reader = try Reader(kafka, clientID: "quiet")
        defer { reader.close() }
        var ends = try positions(reader)
        var since = Clock.monotonicMilliseconds()
        while true {
            try crew.turn()
            let now = Clock.monotonicMilliseconds()
            let current = try positions(reader)
            if current != ends || !crew.isAllReady || hasBacklog(crew) {
                ends = current
                since = now
            }
            if now - since >= Self.windowMilliseconds { return now - started }
            guard now - started < Self.patienceMilliseconds else {
                throw Failure("the system did not become quiet within \(Self.patienceMilliseconds / 1000) s")
            }
            Pause.milliseconds(200)
        }
    }

    private func positions(_ reader: Reader) throws -> Set<Position> {
        let topics = [system.topics.events] + system.services.map { system.topics.requests($0.name) }
        let partitions = topics.flatMap { topic in
            (0..<shards).map { TopicPartition(topic: topic, partition: $0) }
        }
        let deadline = Clock.monotonicMilliseconds() + Int64(Self.callMilliseconds)
        while true {
            do {
                return Set(try reader.highWatermarks(partitions, timeoutMilliseconds: Self.callMilliseconds))
            } catch {
                guard error.remedy == .retry && Clock.monotonicMilliseconds() < deadline else { throw error }
                Pause.milliseconds(100)
            }
        }
    }

    private func hasBacklog(_ crew: Crew) -> Bool {
        crew.instances.contains { (Heartbeat(path: run.healthFile($0))?.lag ?? 0) > 0 }
    }
}
