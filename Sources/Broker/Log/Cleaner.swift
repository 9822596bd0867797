// Keeps logs from growing for ever: removes what retention allows to remove, and compacts.
import Platform

final class Cleaner {
    /// Compaction works a moment and gives way: requests come first.
    private static let pauseMilliseconds: Int64 = 2

    private let core: Core
    private var job: Compaction?

    init(core: Core) { self.core = core }

    func start() {
        for topic in core.catalog.topics.values where topic.config.deletes {
            for log in topic.partitions { applyRetention(topic.config, log) }
        }
        if job == nil { compactNext() }
    }

    // MARK: Compaction

    private func compactNext() {
        for topic in core.catalog.topics.values where topic.config.compacts {
            for log in topic.partitions {
                job = Compaction(log: log, config: topic.config, wallMilliseconds: core.wallMilliseconds)
                if job != nil { return continueLater() }
            }
        }
    }

    private func continueLater() {
        core.after(milliseconds: Cleaner.pauseMilliseconds) { [unowned self] in self.work() }
    }

    private func work() {
        guard let job else { return }
        do {
            let alive = core.catalog.topics[job.log.topic]?.partition(job.log.partition) === job.log
            if alive, case .more = try job.step() { return continueLater() }
            self.job = nil
            if alive { compactNext() }
        } catch {
            self.job = nil
            Log.warning("compaction stopped", ["topic": LogValue(job.log.topic), "error": LogValue(error.description)])
        }
    }

    // MARK: Retention

    private func applyRetention(_ config: TopicConfig, _ log: PartitionLog) {
        // Segments under compaction are not pulled from under it.
        guard job?.log !== log else { return }
        do { try rollIfExpired(config, log) } catch {
            Log.warning("segment not rolled", ["topic": LogValue(log.topic), "error": LogValue(error.description)])
        }
        var count = 0
        var excess = config.retentionBytes < 0 ? 0 : Int64(log.totalBytes) - config.retentionBytes
        for (number, segment) in log.segments.dropLast().enumerated() {
            // Transactions that are open are never cut in two.
            guard segment.nextOffset <= log.lastStableOffset else { break }
            // Compaction has left nothing in it: it goes with what follows.
            if segment.isEmpty { continue }
            let isExcess = config.retentionBytes >= 0 && excess >= Int64(segment.size)
            guard isExpired(config, segment) || isExcess else { break }
            excess -= Int64(segment.size)
            count = number + 1
        }
        if count > 0 { log.dropSegments(count) }
    }

    private func isExpired(_ config: TopicConfig, _ segment: Segment) -> Bool {
        guard config.retentionMilliseconds >= 0, !segment.isEmpty else { return false }
        // Records without a time count from when they came.
        let newest = segment.maxTimestamp < 0 ? segment.createdMilliseconds : segment.maxTimestamp
        return core.wallMilliseconds - newest > config.retentionMilliseconds
    }

    private func rollIfExpired(_ config: TopicConfig, _ log: PartitionLog) throws(StorageError) {
        guard let active = log.segments.last, isExpired(config, active), active.nextOffset <= log.lastStableOffset
        else {
            return
        }
        try log.roll(nowMilliseconds: core.wallMilliseconds)
    }
}
