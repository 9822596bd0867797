// Consumer groups: who is in, who leads, which generation it is. Membership follows Kafka's classic protocol.
import Platform

final class GroupCoordinator {
    private static let shortestRebalanceMilliseconds: Int64 = 100
    /// As much of a client's name as its member id begins with.
    private static let namePrefix = 249

    let core: Core
    var settings: BrokerSettings { core.settings }
    var groups: [String: Group] = [:]

    init(core: Core) { self.core = core }

    func groupOrNew(_ id: String) -> Group {
        if let group = groups[id] { return group }
        let group = Group(id: id, wallMilliseconds: core.wallMilliseconds)
        groups[id] = group
        return group
    }

    // MARK: Join

    struct Join {
        let groupId: String
        let memberId: String
        let instanceId: String?
        let clientId: String
        let sessionMilliseconds: Int32
        let rebalanceMilliseconds: Int32
        let protocolType: String
        let protocols: [JoinProtocol]
        /// Newer clients join twice, so that a lost first answer leaves no member behind.
        let idRequired: Bool
        let canSkipAssignment: Bool
    }

    func join(_ join: Join, _ answer: @escaping (JoinAnswer) -> Void) {
        func refuse(_ code: ErrorCode, memberId: String? = nil) {
            answer(JoinAnswer(code: code, memberId: memberId ?? join.memberId))
        }
        guard !join.groupId.isEmpty else { return refuse(.invalidGroupId) }
        let range = settings.minimumSessionMilliseconds...settings.maximumSessionMilliseconds
        guard range.contains(join.sessionMilliseconds) else { return refuse(.invalidSessionTimeout) }
        if groups[join.groupId] == nil && !join.memberId.isEmpty { return refuse(.unknownMemberId) }
        let group = groupOrNew(join.groupId)
        let known =
            join.memberId.isEmpty ? join.instanceId.flatMap { group.member(instance: $0) } : group.member(join.memberId)
        guard group.supports(join.protocolType, join.protocols) else {
            return refuse(.inconsistentGroupProtocol)
        }
        if join.memberId.isEmpty {
            joinWithoutId(group, join, known, answer)
        } else if let instance = join.instanceId, let holder = group.member(instance: instance),
            holder.id != join.memberId
        {
            refuse(.fencedInstanceId)
        } else if let member = known {
            rejoin(group, member, join, answer)
        } else if group.pendingIds.removeValue(forKey: join.memberId) != nil {
            addMember(group, join, id: join.memberId, answer)
        } else {
            refuse(.unknownMemberId)
        }
    }

    private func joinWithoutId(
        _ group: Group, _ join: Join, _ known: Member?, _ answer: @escaping (JoinAnswer) -> Void
    ) {
        let id = GroupCoordinator.memberId(join.instanceId ?? join.clientId)
        if let known {
            replaceStatic(group, known, join, newId: id, answer)
        } else if join.instanceId == nil && join.idRequired {
            group.pendingIds[id] = core.nowMilliseconds + Int64(join.sessionMilliseconds)
            core.after(milliseconds: Int64(join.sessionMilliseconds)) { [weak group] in
                guard let group, group.pendingIds.removeValue(forKey: id) != nil else { return }
                self.completeJoinIfReady(group)
            }
            answer(JoinAnswer(code: .memberIdRequired, memberId: id))
        } else {
            addMember(group, join, id: id, answer)
        }
    }

    /// A long name with something behind it would be longer than a string can be, and the journal could not be read.
    private static func memberId(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.prefix(namePrefix))) + "-" + Identifier.hex(bytes: 16)
    }

    private func addMember(_ group: Group, _ join: Join, id: String, _ answer: @escaping (JoinAnswer) -> Void) {
        let member = Member(
            id: id, instanceId: join.instanceId, clientId: join.clientId,
            sessionMilliseconds: Int64(join.sessionMilliseconds),
            rebalanceMilliseconds: rebalanceMilliseconds(of: join), protocols: join.protocols)
        let wasEmpty = group.members.isEmpty
        if wasEmpty { group.protocolType = join.protocolType }
        group.add(member)
        member.joining = answer
        beginSession(group, member)
        prepareRebalance(group, delayMilliseconds: wasEmpty ? settings.initialRebalanceDelayMilliseconds : 0)
    }

    /// A static member restarted: it takes over its place, and whoever held it is fenced.
    private func replaceStatic(
        _ group: Group, _ member: Member, _ join: Join, newId: String, _ answer: @escaping (JoinAnswer) -> Void
    ) {
        let oldId = member.id
        member.joining?(JoinAnswer(code: .fencedInstanceId, memberId: oldId))
        member.joining = nil
        member.syncing?(SyncAnswer(code: .fencedInstanceId))
        member.syncing = nil
        let oldLeader = group.leader ?? ""
        group.rename(member, to: newId)
        update(member, join)
        beginSession(group, member)
        guard group.state == .stable, group.chosenProtocol() == group.protocolName else {
            member.joining = answer
            return prepareRebalance(group)
        }
        saveMembers(group)
        // Nobody else notices. A leader of before must not assign again: older clients are told they follow, newer
        // ones that they lead but may skip it.
        let leads = group.leader == newId
        var reply = currentAnswer(group, member, asLeader: leads && join.canSkipAssignment)
        reply.leader = leads && !join.canSkipAssignment ? oldLeader : group.leader ?? ""
        reply.skipAssignment = leads && join.canSkipAssignment
        answer(reply)
    }

    private func update(_ member: Member, _ join: Join) {
        member.protocols = join.protocols
        member.sessionMilliseconds = Int64(join.sessionMilliseconds)
        member.rebalanceMilliseconds = rebalanceMilliseconds(of: join)
    }

    /// Nobody can come back within next to no time: a rebalance lasts at least as long as the shortest session.
    private func rebalanceMilliseconds(of join: Join) -> Int64 {
        let wanted = join.rebalanceMilliseconds < 0 ? join.sessionMilliseconds : join.rebalanceMilliseconds
        return Int64(max(wanted, settings.minimumSessionMilliseconds))
    }

    private func rejoin(_ group: Group, _ member: Member, _ join: Join, _ answer: @escaping (JoinAnswer) -> Void) {
        let unchanged = member.protocols == join.protocols
        beginSession(group, member)
        switch group.state {
        case .completingRebalance where unchanged:
            // The answer to its join was lost; it gets the same again.
            return answer(currentAnswer(group, member, asLeader: group.leader == member.id))
        case .stable where unchanged && group.leader != member.id:
            return answer(currentAnswer(group, member, asLeader: false))
        case .empty: return answer(JoinAnswer(code: .unknownMemberId, memberId: member.id))
        default: break
        }
        update(member, join)
        member.joining?(JoinAnswer(code: .unknownMemberId, memberId: member.id))
        member.joining = answer
        prepareRebalance(group)
    }

    private func currentAnswer(_ group: Group, _ member: Member, asLeader: Bool) -> JoinAnswer {
        let name = group.protocolName ?? ""
        return JoinAnswer(
            generation: group.generation, protocolType: group.protocolType, protocolName: name,
            leader: group.leader ?? "",
            memberId: member.id,
            members: asLeader
                ? group.members.map {
                    JoinAnswer.Peer(id: $0.id, instanceId: $0.instanceId, metadata: $0.metadata(name))
                }
                : [])
    }

    // MARK: Rebalance

    func prepareRebalance(_ group: Group, delayMilliseconds: Int64 = 0) {
        guard group.state != .preparingRebalance else { return completeJoinIfReady(group) }
        for member in group.members {
            member.syncing?(SyncAnswer(code: .rebalanceInProgress))
            member.syncing = nil
        }
        group.state = .preparingRebalance
        group.rebalanceNumber += 1
        let number = group.rebalanceNumber
        if delayMilliseconds > 0 {
            group.isDelayed = true
            core.after(milliseconds: delayMilliseconds) { [weak group] in
                guard let group, group.rebalanceNumber == number else { return }
                group.isDelayed = false
                self.completeJoinIfReady(group)
            }
        }
        scheduleJoinDeadline(group, number)
        completeJoinIfReady(group)
    }

    private func scheduleJoinDeadline(_ group: Group, _ number: Int) {
        core.after(milliseconds: deadline(group)) { [weak group] in
            guard let group, group.rebalanceNumber == number, group.state == .preparingRebalance else { return }
            group.isDelayed = false
            group.pendingIds = [:]
            for member in group.members where member.joining == nil && member.instanceId == nil { group.remove(member) }
            // Static members that have not come back keep their place, but somebody must be there to lead.
            if group.members.isEmpty || group.members.contains(where: { $0.joining != nil }) {
                self.completeJoin(group)
            } else {
                self.scheduleJoinDeadline(group, number)
            }
        }
    }

    /// How long the members have. With a static member that does not come back its end begins the next one, so it is
    /// never near zero, whatever the journal of an older version or a low minimum of sessions says.
    private func deadline(_ group: Group) -> Int64 {
        max(GroupCoordinator.shortestRebalanceMilliseconds, group.rebalanceMilliseconds)
    }

    func completeJoinIfReady(_ group: Group) {
        guard group.state == .preparingRebalance, !group.isDelayed, group.pendingIds.isEmpty else { return }
        if group.members.allSatisfy({ $0.joining != nil }) { completeJoin(group) }
    }

    private func completeJoin(_ group: Group) {
        group.generation &+= 1
        group.rebalanceNumber += 1
        guard !group.members.isEmpty else { return becomeEmpty(group) }
        if let leader = group.leader.flatMap({ group.member($0) }), leader.joining == nil {
            group.leader = group.members.first { $0.joining != nil }?.id
        }
        group.protocolName = group.chosenProtocol()
        group.state = .completingRebalance
        let number = group.rebalanceNumber
        for member in group.members {
            member.hasSynced = false
            guard let answer = member.joining else { continue }
            member.joining = nil
            beginSession(group, member)
            answer(currentAnswer(group, member, asLeader: group.leader == member.id))
        }
        core.after(milliseconds: deadline(group)) { [weak group] in
            guard let group, group.rebalanceNumber == number, group.state == .completingRebalance else { return }
            for member in group.members where !member.hasSynced && member.instanceId == nil { group.remove(member) }
            self.prepareRebalance(group)
        }
    }

    private func becomeEmpty(_ group: Group) {
        group.state = .empty
        group.protocolName = nil
        group.leader = nil
        group.emptySinceMilliseconds = core.wallMilliseconds
        saveMembers(group)
    }
}
