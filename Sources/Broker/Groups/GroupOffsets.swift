// The offsets of groups: committed directly or by transactions.

extension GroupCoordinator {
    struct Committer {
        let groupId: String
        let generation: Int32
        let memberId: String
        let instanceId: String?
    }
    typealias Offsets = [TopicPartition: CommittedOffset]

    /// Whether this member may commit now; Kafka's rules for plain and transactional commits.
    func checkCommit(_ committer: Committer, transactional: Bool) -> ErrorCode {
        guard let group = groups[committer.groupId] else {
            return committer.generation < 0 ? .none : .illegalGeneration
        }
        if committer.generation < 0 && group.state == .empty { return .none }
        if committer.generation >= 0 || !committer.memberId.isEmpty || committer.instanceId != nil {
            let code = group.check(memberId: committer.memberId, instanceId: committer.instanceId)
            if code != .none { return code }
            if committer.generation != group.generation { return .illegalGeneration }
            if let member = group.member(committer.memberId) { beginSession(group, member) }
        } else if !transactional {
            return .unknownMemberId
        }
        return !transactional && group.state == .completingRebalance ? .rebalanceInProgress : .none
    }

    func commit(_ groupId: String, _ offsets: Offsets) -> ErrorCode {
        guard !offsets.isEmpty else { return .none }
        let recorded = core.record(.groupOffsets) { writer in
            writer.string(groupId)
            OffsetsJournal.write(&writer, offsets)
        }
        guard recorded else { return .coordinatorNotAvailable }
        take(groupOrNew(groupId), offsets)
        return .none
    }

    /// A group without members, as consumers have it that choose their partitions themselves, lives by its commits.
    func take(_ group: Group, _ offsets: Offsets) {
        group.offsets.merge(offsets) { _, new in new }
        if group.protocolType == nil { group.emptySinceMilliseconds = core.wallMilliseconds }
    }

    // Offsets inside a transaction are journalled by the transaction that holds them.

    func hold(_ groupId: String, producerId: Int64, _ offsets: Offsets) {
        groupOrNew(groupId).pendingOffsets[producerId, default: [:]].merge(offsets) { _, new in new }
    }

    func settle(_ groupId: String, producerId: Int64, commit: Bool) {
        guard let group = groups[groupId], let held = group.pendingOffsets.removeValue(forKey: producerId) else {
            return
        }
        if commit { take(group, held) }
    }

    func forgetTopic(_ topic: String) {
        for group in groups.values {
            group.offsets = group.offsets.filter { $0.key.topic != topic }
            for (id, held) in group.pendingOffsets {
                group.pendingOffsets[id] = held.filter { $0.key.topic != topic }
            }
        }
    }

    /// Groups nobody was in for a week lose their offsets, as with Kafka.
    func expireOffsets() {
        let limit = core.wallMilliseconds - settings.offsetsRetentionMilliseconds
        for group in groups.values
        where group.state == .empty && group.pendingOffsets.isEmpty && group.emptySinceMilliseconds < limit {
            _ = delete(group.id)
        }
    }

    func delete(_ groupId: String) -> ErrorCode {
        guard let group = groups[groupId] else { return .groupIdNotFound }
        guard group.state == .empty, group.pendingOffsets.isEmpty else { return .nonEmptyGroup }
        guard core.record(.groupForgotten, { $0.string(groupId) }) else { return .coordinatorNotAvailable }
        groups[groupId] = nil
        return .none
    }
}

/// How offsets are written to the journal.
enum OffsetsJournal {
    static func write(_ writer: inout ByteWriter, _ offsets: GroupCoordinator.Offsets) {
        writer.array(offsets) { writer, item in
            writer.string(item.key.topic)
            writer.int32(item.key.partition)
            writer.int64(item.value.offset)
            writer.int32(item.value.leaderEpoch)
            writer.nullableString(item.value.metadata)
        }
    }

    static func read(_ reader: inout ByteReader) throws(MalformedRequest) -> GroupCoordinator.Offsets {
        var offsets: GroupCoordinator.Offsets = [:]
        for _ in 0..<(try reader.nullableCount() ?? 0) {
            let topic = try reader.string()
            let partition = try reader.int32()
            let offset = try reader.int64()
            let epoch = try reader.int32()
            offsets[TopicPartition(topic: topic, partition: partition)] = CommittedOffset(
                offset: offset, leaderEpoch: epoch, metadata: try reader.nullableString())
        }
        return offsets
    }
}
