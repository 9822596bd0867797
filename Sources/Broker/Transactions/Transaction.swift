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
    /// The epoch before, while a producer that still names it is the same one asking again (KIP-360), else -1.
    var previousEpoch: Int16 = -1
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

    /// Whether a producer that names this id and epoch is the one of now, or the same before it got its last epoch.
    func knows(_ producerId: Int64, _ epoch: Int16) -> Bool {
        producerId == self.producerId && (epoch == self.epoch || (epoch >= 0 && epoch == previousEpoch))
    }

    var isDecided: Bool { state == .preparingCommit || state == .preparingAbort }
}
