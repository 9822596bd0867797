// Reads state partitions to their ends, in batches, and says how far it is when that takes long.
import Kafka
import Platform

struct StateReader {
    private let reader: Reader
    private static let batchRecords = 2_000

    init(_ reader: Reader) { self.reader = reader }

    /// One partition: what is to be read next, and up to where.
    private struct Course {
        var next: Int64
        let end: Int64
        var isOpen: Bool { next < end }

        /// True when this reaches the end.
        mutating func pass(upTo offset: Int64) -> Bool {
            let wasOpen = isOpen
            next = max(next, offset)
            return wasOpen && !isOpen
        }
    }

    /// The end of a partition is its high watermark, asked for after the committed offsets were found stable: the last
    /// stable offset may still be behind the last committed transaction.
    private func courses(_ from: [Position]) throws -> [TopicPartition: Course] {
        let partitions = from.map(\.topicPartition)
        let lows = try reader.lowWatermarks(partitions, timeoutMilliseconds: 10_000)
        let highs = try reader.highWatermarks(partitions, timeoutMilliseconds: 10_000)
        let low = Dictionary(lows.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: min)
        let high = Dictionary(highs.map { ($0.topicPartition, $0.offset) }, uniquingKeysWith: max)
        var courses: [TopicPartition: Course] = [:]
        for position in from {
            let partition = position.topicPartition
            let (low, high) = (low[partition] ?? 0, high[partition] ?? 0)
            guard position.offset <= high else {
                throw StateAhead(partition: position.partition, offset: position.offset, end: high)
            }
            courses[partition] = Course(next: max(position.offset, low), end: high)
        }
        return courses
    }

    func readToEnd(_ from: [Position], _ apply: ([Record]) throws -> Bool) throws -> [Position] {
        guard !from.isEmpty else { return [] }
        var courses = try courses(from)
        var open = courses.count { $0.value.isOpen }
        guard open > 0 else { return positions(courses) }
        try reader.assign(positions(courses.filter { $0.value.isOpen }))
        var progress = RestoreProgress(total: courses.reduce(0) { $0 + max(0, $1.value.end - $1.value.next) })
        var batch: [Record] = []
        var silence = Silence()
        var goesOn = true
        while goesOn && open > 0 {
            switch reader.poll(timeoutMilliseconds: 100) {
            case .record(let record):
                if courses[record.topicPartition]?.pass(upTo: record.offset + 1) == true { open -= 1 }
                batch.append(record)
                silence.end()
            case .end(let partition, let offset):
                // Control records at the end are no records: the end itself says that they were passed.
                if courses[partition]?.pass(upTo: offset) == true { open -= 1 }
                silence.end()
            case .idle: try silence.goOn()
            case .failed(let error):
                if error.remedy == .giveUp || error.remedy == .fixConfiguration { throw FatalError(error.description) }
                Log.warning("restore waits for Kafka", ["error": LogValue(describing: error)])
            }
            if batch.count >= Self.batchRecords || (open == 0 && !batch.isEmpty) {
                goesOn = try apply(batch)
                progress.report(batch.count)
                batch.removeAll(keepingCapacity: true)
            }
        }
        if goesOn { progress.finish() }
        // An idle reader must not go on fetching.
        try reader.assign([])
        return positions(courses)
    }

    private func positions(_ courses: [TopicPartition: Course]) -> [Position] {
        courses.map { Position(topic: $0.key.topic, partition: $0.key.partition, offset: $0.value.next) }
    }
}

/// How long nothing has come. No clock is read while something does.
private struct Silence {
    private static let millisecondsMax: Int64 = 60_000
    private var began: Int64?

    mutating func end() { began = nil }

    mutating func goOn() throws(FatalError) {
        let now = Clock.monotonicMilliseconds()
        let start = began ?? now
        began = start
        guard now - start < Self.millisecondsMax else {
            throw FatalError("the state topic has been silent for a minute in the middle of a restore")
        }
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
