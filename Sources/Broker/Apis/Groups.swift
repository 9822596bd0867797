// JoinGroup, SyncGroup, Heartbeat and LeaveGroup on the wire, and who coordinates them: always this broker.

enum FindCoordinator {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        var keys: [String] = []
        if version <= 3 { keys = [try reader.string()] }
        let keyType = version >= 1 ? try reader.int8() : 0
        if version >= 4 { keys = try reader.array { reader throws(MalformedRequest) in try reader.string() } }
        try reader.endStructure()
        let code: ErrorCode = keyType == 0 || keyType == 1 ? .none : .invalidRequest
        request.answer { writer in
            if version >= 1 { writer.int32(0) }
            if version >= 4 {
                writer.array(keys) { writer, key in
                    writer.string(key)
                    Metadata.writeBroker(&writer, node)
                    writer.error(code)
                    writer.nullableString(nil)
                    writer.endStructure()
                }
            } else {
                writer.error(code)
                if version >= 1 { writer.nullableString(nil) }
                Metadata.writeBroker(&writer, node)
            }
            writer.endStructure()
        }
    }
}

enum JoinGroup {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        let groupId = try reader.string()
        let session = try reader.int32()
        let rebalance = version >= 1 ? try reader.int32() : -1
        let memberId = try reader.string()
        let instanceId = version >= 5 ? try reader.nullableString() : nil
        let protocolType = try reader.string()
        let protocols = try reader.array { reader throws(MalformedRequest) -> JoinProtocol in
            let name = try reader.string()
            let metadata = try reader.byteArray()
            try reader.endStructure()
            return JoinProtocol(name: name, metadata: metadata)
        }
        if version >= 8 { _ = try reader.nullableString() }
        try reader.endStructure()
        let join = GroupCoordinator.Join(
            groupId: groupId, memberId: memberId, instanceId: instanceId, clientId: request.clientId,
            sessionMilliseconds: session, rebalanceMilliseconds: rebalance, protocolType: protocolType,
            protocols: protocols, idRequired: version >= 4, canSkipAssignment: version >= 9)
        node.groups.join(join) { answer in write(request, answer) }
    }

    private static func write(_ request: Request, _ answer: JoinAnswer) {
        let version = request.version
        request.answer(capacity: 512) { writer in
            if version >= 2 { writer.int32(0) }
            writer.error(answer.code)
            writer.int32(answer.generation)
            if version >= 7 { writer.nullableString(answer.protocolType) }
            writer.nullableString(version >= 7 ? answer.protocolName : answer.protocolName ?? "")
            writer.string(answer.leader)
            if version >= 9 { writer.bool(answer.skipAssignment) }
            writer.string(answer.memberId)
            writer.array(answer.members) { writer, peer in
                writer.string(peer.id)
                if version >= 5 { writer.nullableString(peer.instanceId) }
                writer.byteArray(peer.metadata)
                writer.endStructure()
            }
            writer.endStructure()
        }
    }
}

enum SyncGroup {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        let groupId = try reader.string()
        let generation = try reader.int32()
        let memberId = try reader.string()
        let instanceId = version >= 3 ? try reader.nullableString() : nil
        let protocolType = version >= 5 ? try reader.nullableString() : nil
        let protocolName = version >= 5 ? try reader.nullableString() : nil
        let assignments = try reader.array {
            reader throws(MalformedRequest) -> (memberId: String, assignment: [UInt8]) in
            let memberId = try reader.string()
            let assignment = try reader.byteArray()
            try reader.endStructure()
            return (memberId, assignment)
        }
        try reader.endStructure()
        let sync = GroupCoordinator.Sync(
            groupId: groupId, generation: generation, memberId: memberId, instanceId: instanceId,
            protocolType: protocolType, protocolName: protocolName, assignments: assignments)
        let isIncomplete = version >= 5 && (protocolType == nil || protocolName == nil)
        func reply(_ answer: SyncAnswer) {
            request.answer(capacity: 256) { writer in
                if version >= 1 { writer.int32(0) }
                writer.error(answer.code)
                if version >= 5 {
                    writer.nullableString(answer.protocolType)
                    writer.nullableString(answer.protocolName)
                }
                writer.byteArray(answer.assignment)
                writer.endStructure()
            }
        }
        if isIncomplete { return reply(SyncAnswer(code: .inconsistentGroupProtocol)) }
        node.groups.sync(sync, reply)
    }
}

enum Heartbeat {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let groupId = try reader.string()
        let generation = try reader.int32()
        let memberId = try reader.string()
        let instanceId = request.version >= 3 ? try reader.nullableString() : nil
        try reader.endStructure()
        let code = node.groups.heartbeat(
            groupId: groupId, generation: generation, memberId: memberId, instanceId: instanceId)
        request.answer { writer in
            if request.version >= 1 { writer.int32(0) }
            writer.error(code)
            writer.endStructure()
        }
    }
}

enum LeaveGroup {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        let groupId = try reader.string()
        var leaving: [(memberId: String, instanceId: String?)] = []
        if version <= 2 {
            leaving = [(try reader.string(), nil)]
        } else {
            leaving = try reader.array { reader throws(MalformedRequest) -> (memberId: String, instanceId: String?) in
                let memberId = try reader.string()
                let instanceId = try reader.nullableString()
                if version >= 5 { _ = try reader.nullableString() }
                try reader.endStructure()
                return (memberId, instanceId)
            }
        }
        try reader.endStructure()
        // A whole group that cannot be is refused as a whole.
        let whole: ErrorCode = groupId.isEmpty ? .invalidGroupId : .none
        let codes = leaving.map {
            node.groups.leave(groupId: groupId, memberId: $0.memberId, instanceId: $0.instanceId)
        }
        request.answer { writer in
            if version >= 1 { writer.int32(0) }
            writer.error(version <= 2 && whole == .none ? codes.first ?? .none : whole)
            if version >= 3 {
                writer.array(zip(leaving, codes).map { $0 }) { writer, item in
                    writer.string(item.0.memberId)
                    writer.nullableString(item.0.instanceId)
                    writer.error(item.1)
                    writer.endStructure()
                }
            }
            writer.endStructure()
        }
    }
}
