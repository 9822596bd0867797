// What the broker knows of one transactional id.

final class Transaction {
    enum State: Int8 {
        case empty = 0
        case ongoing = 1
        /// Decided, but not every partition has its marker yet.
        case preparingCommit = 2
        case preparingAbort = 3
        case committed = 4
        case aborted = 5
    }

    let id: String
    var producerId: Int64
    var epoch: Int16
    var timeoutMilliseconds: Int32
    var state = State.empty
    var partitions: Set<TopicPartition> = []
    var groups: Set<String> = []
    /// Wall time, because it outlives the process.
    var startedMilliseconds: Int64 = 0
    var lastUseMilliseconds: Int64
    /// A timer is under way that looks after its time.
    var isWatched = false

    init(id: String, producerId: Int64, epoch: Int16, timeoutMilliseconds: Int32, wallMilliseconds: Int64) {
        self.id = id
        self.producerId = producerId
        self.epoch = epoch
        self.timeoutMilliseconds = timeoutMilliseconds
        lastUseMilliseconds = wallMilliseconds
    }

    var isDecided: Bool { state == .preparingCommit || state == .preparingAbort }
}
