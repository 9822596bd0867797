// ListGroups, DescribeGroups and DeleteGroups on the wire.

enum ListGroups {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        let states = version >= 4 ? try reader.array { reader throws(MalformedRequest) in try reader.string() } : []
        let types = version >= 5 ? try reader.array { reader throws(MalformedRequest) in try reader.string() } : []
        try reader.endStructure()
        let groups = node.groups.groups.values.sorted { $0.id < $1.id }.filter { group in
            (states.isEmpty || states.contains { $0.lowercased() == group.state.rawValue.lowercased() })
                && (types.isEmpty || types.contains { $0.lowercased() == "classic" })
        }
        request.answer(capacity: 512) { writer in
            if version >= 1 { writer.int32(0) }
            writer.error(.none)
            writer.array(groups) { writer, group in
                writer.string(group.id)
                writer.string(group.protocolType ?? "")
                if version >= 4 { writer.string(group.state.rawValue) }
                if version >= 5 { writer.string("classic") }
                writer.endStructure()
            }
            writer.endStructure()
        }
    }
}

enum DescribeGroups {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let version = request.version
        let wanted = try reader.array { reader throws(MalformedRequest) in try reader.string() }
        if version >= 3 { _ = try reader.bool() }
        try reader.endStructure()
        request.answer(capacity: 1024) { writer in
            if version >= 1 { writer.int32(0) }
            writer.array(wanted) { writer, id in
                write(&writer, id, node.groups.groups[id], version)
            }
            writer.endStructure()
        }
    }

    private static func write(_ writer: inout ByteWriter, _ id: String, _ group: Group?, _ version: Int16) {
        writer.error(.none)
        writer.string(id)
        writer.string(group?.state.rawValue ?? "Dead")
        writer.string(group?.protocolType ?? "")
        // Which protocol counts is settled only once the rebalance is over; until then assignments are the old ones.
        let settled = group?.state == .stable
        writer.string(settled ? group?.protocolName ?? "" : "")
        writer.array(group?.members ?? []) { writer, member in
            writer.string(member.id)
            if version >= 4 { writer.nullableString(member.instanceId) }
            writer.string(member.clientId)
            writer.string("/127.0.0.1")
            writer.byteArray(settled ? member.metadata(group?.protocolName ?? "") : [])
            writer.byteArray(member.assignment)
            writer.endStructure()
        }
        if version >= 3 { writer.int32(Metadata.noOperations) }
        writer.endStructure()
    }
}

enum DeleteGroups {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        let wanted = try reader.array { reader throws(MalformedRequest) in try reader.string() }
        try reader.endStructure()
        request.answer { writer in
            writer.int32(0)
            writer.array(wanted.map { (id: $0, code: node.groups.delete($0)) }) { writer, outcome in
                writer.string(outcome.id)
                writer.error(outcome.code)
                writer.endStructure()
            }
            writer.endStructure()
        }
    }
}
