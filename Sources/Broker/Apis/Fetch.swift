// Fetch: reads from the page cache, and waits for more when there is too little.

enum Fetch {
    private static let sessionless: Int32 = -1
    private static let sessionWanted: Int32 = 0

    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        _ = try reader.int32()
        let maximumWait = try reader.int32()
        let minimumBytes = try reader.int32()
        let maximumBytes = try reader.int32()
        let readCommitted = try reader.int8() == 1
        if version >= 7 { try reader.skip(4) }
        let sessionEpoch = version >= 7 ? try reader.int32() : sessionless
        let topics = try reader.array { reader throws(MalformedRequest) -> FetchWaiter.WantedTopic in
            let name = try reader.string()
            let topic = node.catalog.topics[name]
            let partitions = try reader.array { reader throws(MalformedRequest) -> FetchWaiter.Wanted in
                let index = try reader.int32()
                let epoch = version >= 9 ? try reader.int32() : -1
                let offset = try reader.int64()
                if version >= 12 { _ = try reader.int32() }
                if version >= 5 { _ = try reader.int64() }
                let maximum = try reader.int32()
                try reader.endStructure()
                return FetchWaiter.Wanted(
                    index: index, epoch: epoch, offset: offset, maximumBytes: Int(max(0, maximum)),
                    log: topic?.partition(index))
            }
            try reader.endStructure()
            return FetchWaiter.WantedTopic(name: name, partitions: partitions)
        }
        // Sessions are never granted, so every fetch is complete in itself and the forgotten topics mean nothing.
        // To end a session or to ask for one is no more than such a fetch.
        guard sessionEpoch == sessionless || sessionEpoch == sessionWanted else {
            return request.answer { writer in
                writer.int32(0)
                writer.error(.fetchSessionIdNotFound)
                writer.int32(0)
                writer.count(0)
                writer.endStructure()
            }
        }
        let most = min(Int(max(0, maximumBytes)), node.settings.maximumFetchBytes)
        // Nobody waits for more than may be sent.
        let waiter = FetchWaiter(
            node: node, request: request, topics: topics, readCommitted: readCommitted,
            minimumBytes: min(Int(max(0, minimumBytes)), most), maximumBytes: most)
        waiter.start(maximumWaitMilliseconds: Int64(max(0, maximumWait)))
    }
}

/// A fetch from its arrival to its answer.
final class FetchWaiter {
    struct Wanted {
        let index: Int32
        /// What the client believes about the leader.
        let epoch: Int32
        let offset: Int64
        let maximumBytes: Int
        let log: PartitionLog?
    }
    struct WantedTopic {
        let name: String
        let partitions: [Wanted]
    }
    private struct Found {
        let wanted: Wanted
        let code: ErrorCode
        var slice: FileSlice?
        /// Beyond all that is in the slice: transactions from here on do not matter to its reader.
        var bound: Int64 = 0
    }
    /// Less than this is copied into the answer: one send(2) is cheaper than a send and a sendfile.
    private static let copiedBytes = 32 * 1024
    private static let stepMilliseconds: Int64 = 1000

    var isWoken = false
    private let node: BrokerNode
    private let request: Request
    private let topics: [WantedTopic]
    private let readCommitted: Bool
    private let minimumBytes: Int
    private let maximumBytes: Int
    private var isWaiting = false
    private var isDone = false

    init(
        node: BrokerNode, request: Request, topics: [WantedTopic], readCommitted: Bool, minimumBytes: Int,
        maximumBytes: Int
    ) {
        self.node = node
        self.request = request
        self.topics = topics
        self.readCommitted = readCommitted
        self.minimumBytes = minimumBytes
        self.maximumBytes = maximumBytes
    }

    func start(maximumWaitMilliseconds: Int64) {
        serve(deadlinePassed: maximumWaitMilliseconds == 0)
        guard !isDone else { return }
        isWaiting = true
        for topic in topics { for wanted in topic.partitions { wanted.log?.waiters.append(self) } }
        wait(until: node.core.nowMilliseconds + maximumWaitMilliseconds)
    }

    /// The partitions keep it alive while it waits; once answered, its timer finds nobody. In short steps: a client may
    /// ask for weeks, and neither the timers of what was answered nor those who have gone may be kept so long.
    private func wait(until deadline: Int64) {
        let left = deadline - node.core.nowMilliseconds
        node.core.after(milliseconds: min(left, FetchWaiter.stepMilliseconds)) { [weak self] in
            guard let self, !self.isDone else { return }
            let isOver = self.node.core.nowMilliseconds >= deadline
            guard isOver || self.request.isAbandoned else { return self.wait(until: deadline) }
            self.serve(deadlinePassed: isOver)
        }
    }

    /// Answers if there is enough, something went wrong, or time is up.
    func serve(deadlinePassed: Bool) {
        guard !isDone else { return }
        if request.isAbandoned { return finish() }
        guard deadlinePassed || hasEnough() else { return }
        finish()
        answer()
    }

    private func finish() {
        isDone = true
        guard isWaiting else { return }
        for topic in topics { for wanted in topic.partitions { wanted.log?.waiters.removeAll { $0 === self } } }
    }

    private func limit(_ log: PartitionLog) -> Int64 { readCommitted ? log.lastStableOffset : log.nextOffset }

    private func hasEnough() -> Bool {
        var bytes = 0
        var any = false
        for topic in topics {
            let current = node.catalog.topics[topic.name]
            for wanted in topic.partitions {
                any = true
                guard let log = log(wanted, of: current), code(wanted, log) == .none else { return true }
                guard let available = log.available(from: wanted.offset, limit: limit(log)) else { return true }
                bytes += min(wanted.maximumBytes, available)
                if bytes > 0 && bytes >= minimumBytes { return true }
            }
        }
        return !any || minimumBytes == 0
    }

    /// Nil when there never was one, or its topic was deleted meanwhile, even if there is a new one of the same name.
    private func log(_ wanted: Wanted, of topic: Topic?) -> PartitionLog? {
        guard let log = wanted.log, topic?.partition(wanted.index) === log else { return nil }
        return log
    }

    private func code(_ wanted: Wanted, _ log: PartitionLog) -> ErrorCode {
        let code: ErrorCode = wanted.epoch < 0 ? .none : LeaderEpoch.check(wanted.epoch)
        guard code == .none else { return code }
        return wanted.offset < log.logStartOffset || wanted.offset > log.nextOffset ? .offsetOutOfRange : .none
    }

    private func answer() {
        var left = maximumBytes
        var found: [(name: String, partitions: [Found])] = []
        for topic in topics {
            var partitions: [Found] = []
            for wanted in topic.partitions {
                let one = find(wanted, topic.name, left: left, first: left == maximumBytes)
                left -= one.slice?.length ?? 0
                partitions.append(one)
            }
            found.append((topic.name, partitions))
        }
        request.answer(capacity: 512) { writer in
            writer.int32(0)
            if request.version >= 7 {
                writer.error(.none)
                writer.int32(0)
            }
            writer.array(found) { writer, topic in
                writer.string(topic.name)
                writer.array(topic.partitions, self.write)
                writer.endStructure()
            }
            writer.endStructure()
        }
    }

    private func find(_ wanted: Wanted, _ topic: String, left: Int, first: Bool) -> Found {
        guard let log = log(wanted, of: node.catalog.topics[topic]) else {
            return Found(wanted: wanted, code: .unknownTopicOrPartition)
        }
        let code = code(wanted, log)
        guard code == .none else { return Found(wanted: wanted, code: code) }
        do {
            let found = try log.read(
                from: wanted.offset, limit: limit(log), maximumBytes: min(wanted.maximumBytes, max(0, left)),
                firstWhole: first,
                nowMilliseconds: node.wallMilliseconds)
            return Found(wanted: wanted, code: .none, slice: found?.slice, bound: found?.bound ?? 0)
        } catch {
            return Found(wanted: wanted, code: .kafkaStorageError)
        }
    }

    private func write(_ writer: inout ByteWriter, _ found: Found) {
        let log = found.wanted.log
        let isFound = found.code == .none
        writer.int32(found.wanted.index)
        writer.error(found.code)
        writer.int64(isFound ? log?.nextOffset ?? -1 : -1)
        writer.int64(isFound ? log?.lastStableOffset ?? -1 : -1)
        if request.version >= 5 { writer.int64(isFound ? log?.logStartOffset ?? -1 : -1) }
        if readCommitted, let log, found.slice != nil {
            let aborted = log.producers.aborted(in: found.wanted.offset..<max(found.wanted.offset, found.bound))
            writer.array(aborted) { writer, transaction in
                writer.int64(transaction.producerId)
                writer.int64(transaction.firstOffset)
                writer.endStructure()
            }
        } else if readCommitted {
            writer.count(0)
        } else {
            writer.bytesLength(nil)
        }
        if request.version >= 11 { writer.int32(-1) }
        writeRecords(&writer, found.slice)
        writer.endStructure()
    }

    private func writeRecords(_ writer: inout ByteWriter, _ slice: FileSlice?) {
        guard let slice else { return writer.bytesLength(0) }
        if slice.length <= FetchWaiter.copiedBytes,
            let bytes = try? slice.file.read(at: slice.offset, count: slice.length), bytes.count == slice.length
        {
            writer.byteArray(bytes)
        } else {
            writer.bytesLength(slice.length)
            writer.file(slice)
        }
    }
}
