// The state of one consumer group (the classic protocol), without I/O.

struct JoinProtocol: Equatable {
    let name: String
    let metadata: [UInt8]
}

final class Member {
    var id: String
    let instanceId: String?
    let clientId: String
    var sessionMilliseconds: Int64
    var rebalanceMilliseconds: Int64
    var protocols: [JoinProtocol]
    var assignment: [UInt8] = []
    /// Monotonic time at which silence has lasted too long.
    var sessionEnd: Int64 = 0
    /// The unanswered join or sync of this member.
    var joining: ((JoinAnswer) -> Void)?
    var syncing: ((SyncAnswer) -> Void)?
    /// Has asked for its assignment in this generation.
    var hasSynced = false

    init(
        id: String, instanceId: String?, clientId: String, sessionMilliseconds: Int64, rebalanceMilliseconds: Int64,
        protocols: [JoinProtocol]
    ) {
        self.id = id
        self.instanceId = instanceId
        self.clientId = clientId
        self.sessionMilliseconds = sessionMilliseconds
        self.rebalanceMilliseconds = rebalanceMilliseconds
        self.protocols = protocols
    }

    func metadata(_ protocolName: String) -> [UInt8] { protocols.first { $0.name == protocolName }?.metadata ?? [] }
}

struct JoinAnswer {
    struct Peer {
        let id: String
        let instanceId: String?
        let metadata: [UInt8]
    }
    var code = ErrorCode.none
    var generation: Int32 = -1
    var protocolType: String?
    var protocolName: String?
    var leader = ""
    var memberId = ""
    var skipAssignment = false
    var members: [Peer] = []
}

struct SyncAnswer {
    var code = ErrorCode.none
    var protocolType: String?
    var protocolName: String?
    var assignment: [UInt8] = []
}

struct CommittedOffset {
    let offset: Int64
    let leaderEpoch: Int32
    let metadata: String?
}

final class Group {
    enum State: String {
        case empty = "Empty"
        case preparingRebalance = "PreparingRebalance"
        case completingRebalance = "CompletingRebalance"
        case stable = "Stable"
    }

    let id: String
    var state = State.empty
    var generation: Int32 = 0
    var protocolType: String?
    var protocolName: String?
    var leader: String?
    /// In the order they joined: the first becomes leader.
    private(set) var members: [Member] = []
    private var byId: [String: Member] = [:]
    private var byInstance: [String: Member] = [:]
    /// Ids handed out to members that have yet to join with them, and until when.
    var pendingIds: [String: Int64] = [:]
    var offsets: [TopicPartition: CommittedOffset] = [:]
    /// Offsets of open transactions by producer id.
    var pendingOffsets: [Int64: [TopicPartition: CommittedOffset]] = [:]
    /// When the last member left, or a group that never had any was last heard of.
    var emptySinceMilliseconds: Int64
    /// Goes up with every rebalance, so that its timers can tell whether they still matter.
    var rebalanceNumber = 0
    /// The first member waits a moment for others, when so configured.
    var isDelayed = false

    init(id: String, wallMilliseconds: Int64) {
        self.id = id
        emptySinceMilliseconds = wallMilliseconds
    }

    func member(_ id: String) -> Member? { byId[id] }
    func member(instance: String) -> Member? { byInstance[instance] }

    func add(_ member: Member) {
        members.append(member)
        byId[member.id] = member
        if let instance = member.instanceId { byInstance[instance] = member }
        if leader == nil { leader = member.id }
    }

    func remove(_ member: Member) {
        members.removeAll { $0 === member }
        byId[member.id] = nil
        if let instance = member.instanceId { byInstance[instance] = nil }
        if leader == member.id { leader = (members.first { $0.joining != nil } ?? members.first)?.id }
    }

    /// A static member that came back gets a new id; everything else about it stays.
    func rename(_ member: Member, to id: String) {
        byId[member.id] = nil
        if leader == member.id { leader = id }
        member.id = id
        byId[id] = member
    }

    /// Whether somebody with these protocols can join, or stay: with the ones all members know now, its own included.
    func supports(_ type: String, _ protocols: [JoinProtocol]) -> Bool {
        if members.isEmpty { return !type.isEmpty && !protocols.isEmpty }
        return type == protocolType
            && protocols.contains { offered in members.allSatisfy { $0.protocols.contains { $0.name == offered.name } }
            }
    }

    /// Every member votes for the first protocol on its list that all of them know.
    func chosenProtocol() -> String? {
        guard let first = members.first else { return nil }
        let common = first.protocols.map(\.name).filter { name in
            members.allSatisfy { $0.protocols.contains { $0.name == name } }
        }
        var votes: [String: Int] = [:]
        for member in members {
            if let vote = member.protocols.first(where: { common.contains($0.name) }) {
                votes[vote.name, default: 0] += 1
            }
        }
        return common.max { (votes[$0] ?? 0) < (votes[$1] ?? 0) }
    }

    /// What Kafka checks before anything a member asks: that it is the member it claims to be.
    func check(memberId: String, instanceId: String?) -> ErrorCode {
        if let instanceId {
            guard let known = byInstance[instanceId] else { return .unknownMemberId }
            return known.id == memberId ? .none : .fencedInstanceId
        }
        return byId[memberId] == nil ? .unknownMemberId : .none
    }

    func isUnstable(_ key: TopicPartition) -> Bool { pendingOffsets.values.contains { $0[key] != nil } }

    var rebalanceMilliseconds: Int64 { members.map(\.rebalanceMilliseconds).max() ?? 0 }
}
