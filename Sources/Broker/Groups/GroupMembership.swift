// Members between two rebalances: they learn their assignment, show that they live, and leave.
import Platform

extension GroupCoordinator {
    struct Sync {
        let groupId: String
        let generation: Int32
        let memberId: String
        let instanceId: String?
        let protocolType: String?
        let protocolName: String?
        let assignments: [(memberId: String, assignment: [UInt8])]
    }

    func sync(_ sync: Sync, _ answer: @escaping (SyncAnswer) -> Void) {
        guard !sync.groupId.isEmpty else { return answer(SyncAnswer(code: .invalidGroupId)) }
        guard let group = groups[sync.groupId] else { return answer(SyncAnswer(code: .unknownMemberId)) }
        let code = check(group, sync.memberId, sync.instanceId, generation: sync.generation)
        guard code == .none, let member = group.member(sync.memberId) else { return answer(SyncAnswer(code: code)) }
        if let type = sync.protocolType, type != group.protocolType {
            return answer(SyncAnswer(code: .inconsistentGroupProtocol))
        }
        if let name = sync.protocolName, name != group.protocolName {
            return answer(SyncAnswer(code: .inconsistentGroupProtocol))
        }
        beginSession(group, member)
        switch group.state {
        case .empty: answer(SyncAnswer(code: .unknownMemberId))
        case .preparingRebalance: answer(SyncAnswer(code: .rebalanceInProgress))
        case .stable: answer(assignment(group, member))
        case .completingRebalance:
            member.hasSynced = true
            member.syncing = answer
            if group.leader == member.id { finishSync(group, sync.assignments) }
        }
    }

    private func assignment(_ group: Group, _ member: Member) -> SyncAnswer {
        SyncAnswer(protocolType: group.protocolType, protocolName: group.protocolName, assignment: member.assignment)
    }

    private func finishSync(_ group: Group, _ assignments: [(memberId: String, assignment: [UInt8])]) {
        for member in group.members { member.assignment = [] }
        for (id, assignment) in assignments { group.member(id)?.assignment = assignment }
        group.state = .stable
        saveMembers(group)
        for member in group.members {
            guard let answer = member.syncing else { continue }
            member.syncing = nil
            beginSession(group, member)
            answer(assignment(group, member))
        }
    }

    private func check(_ group: Group, _ memberId: String, _ instanceId: String?, generation: Int32) -> ErrorCode {
        let code = group.check(memberId: memberId, instanceId: instanceId)
        if code != .none { return code }
        return generation == group.generation ? .none : .illegalGeneration
    }

    func heartbeat(groupId: String, generation: Int32, memberId: String, instanceId: String?) -> ErrorCode {
        guard !groupId.isEmpty else { return .invalidGroupId }
        guard let group = groups[groupId] else { return .unknownMemberId }
        let code = check(group, memberId, instanceId, generation: generation)
        guard code == .none, let member = group.member(memberId) else { return code }
        switch group.state {
        case .empty: return .unknownMemberId
        case .preparingRebalance:
            beginSession(group, member)
            return .rebalanceInProgress
        case .completingRebalance, .stable:
            beginSession(group, member)
            return .none
        }
    }

    func leave(groupId: String, memberId: String, instanceId: String?) -> ErrorCode {
        guard let group = groups[groupId] else { return .unknownMemberId }
        if let instanceId {
            guard let member = group.member(instance: instanceId) else { return .unknownMemberId }
            // An operator removes a static member by its name alone.
            if !memberId.isEmpty && member.id != memberId { return .fencedInstanceId }
            removeMember(group, member)
            return .none
        }
        if group.pendingIds.removeValue(forKey: memberId) != nil {
            completeJoinIfReady(group)
            return .none
        }
        guard let member = group.member(memberId) else { return .unknownMemberId }
        removeMember(group, member)
        return .none
    }

    private func removeMember(_ group: Group, _ member: Member) {
        member.joining?(JoinAnswer(code: .unknownMemberId, memberId: member.id))
        member.joining = nil
        member.syncing?(SyncAnswer(code: .unknownMemberId))
        member.syncing = nil
        group.remove(member)
        switch group.state {
        case .empty: break
        case .preparingRebalance: completeJoinIfReady(group)
        case .completingRebalance, .stable: prepareRebalance(group)
        }
    }

    // MARK: Sessions

    /// Heard from a member: its session begins anew. One timer a member sleeps to the end it last knew of.
    func beginSession(_ group: Group, _ member: Member) {
        let armed = member.sessionEnd != 0
        member.sessionEnd = core.nowMilliseconds + member.sessionMilliseconds
        if !armed { watchSession(group, member) }
    }

    private func watchSession(_ group: Group, _ member: Member) {
        core.after(milliseconds: member.sessionEnd - core.nowMilliseconds) { [weak group, weak member] in
            guard let group, let member, group.member(member.id) === member else { return }
            // While the broker owes it an answer a member is silent by right.
            if member.joining != nil || member.syncing != nil {
                member.sessionEnd = self.core.nowMilliseconds + member.sessionMilliseconds
            }
            guard member.sessionEnd <= self.core.nowMilliseconds else { return self.watchSession(group, member) }
            Log.info(
                "member left by session timeout", ["group": LogValue(group.id), "member": LogValue(member.id)])
            self.removeMember(group, member)
        }
    }
}
