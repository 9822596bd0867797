// The calls of group members.
import Foundation
import TestSupport

@testable import Broker

extension RawClient {
    struct Joined {
        var code: Int16 = 0
        var generation: Int32 = -1
        var protocolName = ""
        var leader = ""
        var memberId = ""
        var members: [String] = []
    }

    func sendJoin(
        _ group: String, memberId: String = "", instance: String? = nil, session: Int32 = 6000,
        rebalance: Int32 = 10_000, protocols: [String] = ["range"], metadata: [UInt8] = [1], type: String = "consumer"
    ) throws {
        try send(ApiKey.joinGroup, 5) { writer in
            writer.string(group)
            writer.int32(session)
            writer.int32(rebalance)
            writer.string(memberId)
            writer.nullableString(instance)
            writer.string(type)
            writer.array(protocols) { writer, name in
                writer.string(name)
                writer.byteArray(metadata)
            }
        }
    }

    func receiveJoin() throws -> Joined {
        var reader = try receiveAnswer(ApiKey.joinGroup, 5)
        _ = try reader.int32()
        var joined = Joined()
        joined.code = try reader.int16()
        joined.generation = try reader.int32()
        joined.protocolName = try reader.string()
        joined.leader = try reader.string()
        joined.memberId = try reader.string()
        joined.members = try reader.array { reader throws(MalformedRequest) -> String in
            let id = try reader.string()
            _ = try reader.nullableString()
            _ = try reader.byteArray()
            return id
        }
        return joined
    }

    func join(
        _ group: String, memberId: String = "", instance: String? = nil, session: Int32 = 6000,
        rebalance: Int32 = 10_000, protocols: [String] = ["range"], metadata: [UInt8] = [1], type: String = "consumer"
    ) throws -> Joined {
        try findCoordinator(group, transaction: false)
        var joined = Joined()
        _ = try steadily {
            try sendJoin(
                group, memberId: memberId, instance: instance, session: session, rebalance: rebalance,
                protocols: protocols, metadata: metadata, type: type)
            joined = try receiveJoin()
            return joined.code
        }
        return joined
    }

    /// Joins as clients do: the first answer of a dynamic member is only its id.
    func joinWithId(
        _ group: String, session: Int32 = 6000, rebalance: Int32 = 10_000, protocols: [String] = ["range"]
    ) throws -> Joined {
        let first = try join(group, session: session, rebalance: rebalance, protocols: protocols)
        guard first.code == 79 else { return first }
        return try join(
            group, memberId: first.memberId, session: session, rebalance: rebalance, protocols: protocols)
    }

    func sendSync(
        _ group: String, _ joined: Joined, instance: String? = nil, assignments: [String: String] = [:]
    ) throws {
        try send(ApiKey.syncGroup, 3) { writer in
            writer.string(group)
            writer.int32(joined.generation)
            writer.string(joined.memberId)
            writer.nullableString(instance)
            writer.array(assignments) { writer, item in
                writer.string(item.key)
                writer.byteArray(Array(item.value.utf8))
            }
        }
    }

    func receiveSync() throws -> (code: Int16, assignment: String) {
        var reader = try receiveAnswer(ApiKey.syncGroup, 3)
        _ = try reader.int32()
        let code = try reader.int16()
        return (code, String(decoding: try reader.byteArray(), as: UTF8.self))
    }

    func sync(
        _ group: String, _ joined: Joined, instance: String? = nil, assignments: [String: String] = [:]
    ) throws -> (code: Int16, assignment: String) {
        try sendSync(group, joined, instance: instance, assignments: assignments)
        return try receiveSync()
    }

    func heartbeat(_ group: String, _ joined: Joined, instance: String? = nil) throws -> Int16 {
        var reader = try call(ApiKey.heartbeat, 3) { writer in
            writer.string(group)
            writer.int32(joined.generation)
            writer.string(joined.memberId)
            writer.nullableString(instance)
        }
        _ = try reader.int32()
        return try reader.int16()
    }

    func leave(_ group: String, _ memberId: String) throws -> Int16 {
        var reader = try call(ApiKey.leaveGroup, 1) { writer in
            writer.string(group)
            writer.string(memberId)
        }
        _ = try reader.int32()
        return try reader.int16()
    }

    func leaveStatic(_ group: String, instance: String) throws -> Int16 {
        var reader = try call(ApiKey.leaveGroup, 3) { writer in
            writer.string(group)
            writer.array([instance]) { writer, instance in
                writer.string("")
                writer.nullableString(instance)
            }
        }
        _ = try reader.int32()
        _ = try reader.int16()
        return try reader.array { reader throws(MalformedRequest) -> Int16 in
            _ = try reader.string()
            _ = try reader.nullableString()
            return try reader.int16()
        }.first ?? -1
    }

    func describe(_ group: String) throws -> (state: String, protocolName: String, members: [String]) {
        var reader = try call(ApiKey.describeGroups, 4) { writer in
            writer.array([group]) { $0.string($1) }
            writer.bool(false)
        }
        _ = try reader.int32()
        let found = try reader.array { reader throws(MalformedRequest) -> (String, String, [String]) in
            _ = try reader.int16()
            _ = try reader.string()
            let state = try reader.string()
            _ = try reader.string()
            let name = try reader.string()
            let members = try reader.array { reader throws(MalformedRequest) -> String in
                let id = try reader.string()
                _ = try reader.nullableString()
                _ = try reader.string()
                _ = try reader.string()
                _ = try reader.byteArray()
                _ = try reader.byteArray()
                return id
            }
            _ = try reader.int32()
            return (state, name, members)
        }
        guard let first = found.first else { throw Failed("no answer about \(group)") }
        return (first.0, first.1, first.2)
    }

    func listGroups() throws -> [String] {
        var reader = try call(ApiKey.listGroups, 1)
        _ = try reader.int32()
        _ = try reader.int16()
        return try reader.array { reader throws(MalformedRequest) -> String in
            let id = try reader.string()
            _ = try reader.string()
            return id
        }
    }
}
