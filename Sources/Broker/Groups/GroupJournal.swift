// What groups write to the journal and read from it: after a restart of the broker its members go on unnoticed.

extension GroupCoordinator {
    func saveMembers(_ group: Group) {
        _ = core.record(.groupMembers) { writer in GroupCoordinator.write(&writer, group) }
    }

    private static func write(_ writer: inout ByteWriter, _ group: Group) {
        writer.string(group.id)
        writer.int32(group.generation)
        writer.nullableString(group.protocolType)
        writer.nullableString(group.protocolName)
        writer.nullableString(group.leader)
        writer.int64(group.emptySinceMilliseconds)
        writer.array(group.state == .stable ? group.members : []) { writer, member in
            writer.string(member.id)
            writer.nullableString(member.instanceId)
            writer.string(member.clientId)
            writer.int64(member.sessionMilliseconds)
            writer.int64(member.rebalanceMilliseconds)
            writer.array(member.protocols) { writer, offered in
                writer.string(offered.name)
                writer.byteArray(offered.metadata)
            }
            writer.byteArray(member.assignment)
        }
    }

    func snapshot() -> [ByteWriter] {
        groups.values.flatMap { group -> [ByteWriter] in
            // Members last: they say since when the group is empty, which its offsets must not make younger.
            let members = Journal.entry(.groupMembers) { GroupCoordinator.write(&$0, group) }
            guard !group.offsets.isEmpty else { return [members] }
            let offsets = Journal.entry(.groupOffsets) { writer in
                writer.string(group.id)
                OffsetsJournal.write(&writer, group.offsets)
            }
            return [offsets, members]
        }
    }

    func replay(_ kind: JournalKind, _ reader: inout ByteReader) throws(MalformedRequest) {
        let id = try reader.string()
        switch kind {
        case .groupOffsets:
            let offsets = try OffsetsJournal.read(&reader)
            take(groupOrNew(id), offsets)
        case .groupMembers: try replayMembers(id, &reader)
        default: groups[id] = nil
        }
    }

    private func replayMembers(_ id: String, _ reader: inout ByteReader) throws(MalformedRequest) {
        let group = Group(id: id, wallMilliseconds: core.wallMilliseconds)
        group.offsets = groups[id]?.offsets ?? [:]
        group.pendingOffsets = groups[id]?.pendingOffsets ?? [:]
        group.generation = try reader.int32()
        group.protocolType = try reader.nullableString()
        group.protocolName = try reader.nullableString()
        let leader = try reader.nullableString()
        group.emptySinceMilliseconds = try reader.int64()
        for _ in 0..<(try reader.nullableCount() ?? 0) { group.add(try GroupCoordinator.readMember(&reader)) }
        group.leader = group.members.isEmpty ? nil : leader
        group.state = group.members.isEmpty ? .empty : .stable
        groups[id] = group
    }

    private static func readMember(_ reader: inout ByteReader) throws(MalformedRequest) -> Member {
        let id = try reader.string()
        let instance = try reader.nullableString()
        let client = try reader.string()
        let session = try reader.int64()
        let rebalance = try reader.int64()
        let protocols = try reader.array { reader throws(MalformedRequest) -> JoinProtocol in
            let name = try reader.string()
            return JoinProtocol(name: name, metadata: try reader.byteArray())
        }
        let member = Member(
            id: id, instanceId: instance, clientId: client, sessionMilliseconds: session,
            rebalanceMilliseconds: rebalance, protocols: protocols)
        member.assignment = try reader.byteArray()
        return member
    }

    /// After the journal was read: offsets of topics that are gone go, and every member gets a fresh session.
    func resume() {
        for group in groups.values {
            group.offsets = group.offsets.filter { core.catalog.partition($0.key) != nil }
            for member in group.members { beginSession(group, member) }
        }
    }
}
