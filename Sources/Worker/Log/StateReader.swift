// Reads state partitions to their ends, in batches, and says how far it is when that takes long.
import Kafka
import Platform

struct StateReader {
    private let reader: Reader
    private static let batchRecords = 2_000
    private static let silenceMilliseconds: Int64 = 60_000

    init(_ reader: Reader) { self.reader = reader }

    /// The end of a partition is its high watermark, asked for after the committed offsets were found stable: the last
    /// stable offset may still be behind the last committed transaction.
    func readToEnd(_ from: [Position], _ apply: ([Record]) throws -> Bool) throws -> [Position] {
        var next: [TopicPartition: Int64] = [:]
        var ends: [TopicPartition: Int64] = [:]
        guard !from.isEmpty else { return [] }
        let partitions = from.map(\.topicPartition)
        let lows = try reader.lowWatermarks(partitions, timeoutMilliseconds: 10_000)
        let highs = try reader.highWatermarks(partitions, timeoutMilliseconds: 10_000)
        let low = Dictionary(lows.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: min)
        let high = Dictionary(highs.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: max)
        for position in from {
            let partition = position.topicPartition
            let (low, high) = (low[partition] ?? 0, high[partition] ?? 0)
            guard position.offset <= high else {
                throw StateAhead(partition: position.partition, offset: position.offset, end: high)
            }
            next[partition] = max(position.offset, low)
            ends[partition] = high
        }
        var open = next.filter { ends[$0.key, default: 0] > $0.value }
        guard !open.isEmpty else { return positions(next) }
        try reader.assign(positions(open))
        var progress = RestoreProgress(total: open.reduce(0) { $0 + ends[$1.key, default: 0] - $1.value })
        var batch: [Record] = []
        var lastHeard = Clock.monotonicMilliseconds()
        var goesOn = true
        while goesOn && !open.isEmpty {
            switch reader.poll(timeoutMilliseconds: 100) {
            case .record(let record):
                let partition = record.topicPartition
                next[partition] = record.offset + 1
                if record.offset + 1 >= ends[partition, default: 0] { open[partition] = nil }
                batch.append(record)
                lastHeard = Clock.monotonicMilliseconds()
            case .end(let partition, let offset):
                // Control records at the end are no records: the end itself says that they were passed.
                next[partition] = max(next[partition, default: 0], offset)
                if offset >= ends[partition, default: 0] { open[partition] = nil }
                lastHeard = Clock.monotonicMilliseconds()
            case .idle:
                guard Clock.monotonicMilliseconds() - lastHeard < Self.silenceMilliseconds else {
                    throw FatalError("the state topic has been silent for a minute in the middle of a restore")
                }
            case .failed(let error):
                if error.remedy == .giveUp || error.remedy == .fixConfiguration { throw FatalError(error.description) }
                Log.warning("restore waits for Kafka", ["error": LogValue(describing: error)])
            }
            if batch.count >= Self.batchRecords || (open.isEmpty && !batch.isEmpty) {
                goesOn = try apply(batch)
                progress.report(batch.count)
                batch.removeAll(keepingCapacity: true)
            }
        }
        if goesOn { progress.finish() }
        // An idle reader must not go on fetching.
        try reader.assign([])
        return positions(next)
    }

    private func positions(_ offsets: [TopicPartition: Int64]) -> [Position] {
        offsets.map { Position(topic: $0.key.topic, partition: $0.key.partition, offset: $0.value) }
    }
}

/// The file has rows that the topic does not: the topic was made anew, or lost its end.
struct StateAhead: Error, CustomStringConvertible {
    let partition: Int32
    let offset: Int64
    let end: Int64
    var description: String { "the state topic ends at \(end), the file has read up to \(offset)" }
}

/// What a person reads while a restore goes on.
private struct RestoreProgress {
    private let total: Int64
    private let started = Clock.monotonicMilliseconds()
    private var done: Int64 = 0
    private var reported = Clock.monotonicMilliseconds()

    init(total: Int64) { self.total = max(1, total) }

    mutating func report(_ records: Int) {
        done += Int64(records)
        let now = Clock.monotonicMilliseconds()
        guard now - reported >= 1_000 else { return }
        reported = now
        let rate = done * 1_000 / max(1, now - started)
        Log.info(
            "restoring",
            [
                "records": LogValue(done), "percent": LogValue(min(100, done * 100 / total)),
                "perSecond": LogValue(rate), "secondsLeft": LogValue(max(0, total - done) / max(1, rate)),
            ])
    }

    func finish() {
        let milliseconds = Clock.monotonicMilliseconds() - started
        guard done > 0 else { return }
        Log.info("restored", ["records": LogValue(done), "milliseconds": LogValue(milliseconds)])
    }
}
