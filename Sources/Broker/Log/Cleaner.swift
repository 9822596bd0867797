// Keeps logs from growing for ever: removes what retention allows to remove.
import Platform

final class Cleaner {
    private let core: Core

    init(core: Core) { self.core = core }

    func start() {
        for topic in core.catalog.topics.values where topic.config.deletes {
            for log in topic.partitions { applyRetention(topic.config, log) }
        }
    }

    private func applyRetention(_ config: TopicConfig, _ log: PartitionLog) {
        do { try rollIfExpired(config, log) } catch {
            Log.warning("segment not rolled", ["topic": LogValue(log.topic), "error": LogValue(error.description)])
        }
        // Transactions that are open are never cut in two.
        var count = 0
        var excess = config.retentionBytes < 0 ? 0 : Int64(log.totalBytes) - config.retentionBytes
        for segment in log.segments.dropLast() {
            guard segment.nextOffset <= log.lastStableOffset else { break }
            let tooLarge = excess >= Int64(segment.size)
            guard isExpired(config, segment) || tooLarge else { break }
            excess -= Int64(segment.size)
            count += 1
        }
        if count > 0 { log.dropSegments(count) }
    }

    private func isExpired(_ config: TopicConfig, _ segment: Segment) -> Bool {
        guard config.retentionMilliseconds >= 0, !segment.isEmpty else { return false }
        return core.wallMilliseconds - segment.maxTimestamp > config.retentionMilliseconds
    }

    private func rollIfExpired(_ config: TopicConfig, _ log: PartitionLog) throws(StorageError) {
        guard let active = log.segments.last, isExpired(config, active), active.nextOffset <= log.lastStableOffset
        else { return }
        try log.roll(nowMilliseconds: core.wallMilliseconds)
    }
}
