// The calls about transactions and the offsets of groups.
import Foundation
import TestSupport

@testable import Broker

extension RawClient {
    struct Identity: Equatable {
        var code: Int16 = 0
        var id: Int64 = -1
        var epoch: Int16 = -1
    }
    struct GroupMember {
        var group: String
        var generation: Int32 = -1
        var id = ""
        var instance: String?
    }

    /// Makes sure the coordinator of Apache Kafka has loaded; ours is always there.
    func findCoordinator(_ key: String, transaction: Bool) throws {
        _ = try steadily {
            var reader = try call(ApiKey.findCoordinator, 2) { writer in
                writer.string(key)
                writer.int8(transaction ? 1 : 0)
            }
            _ = try reader.int32()
            return try reader.int16()
        }
    }

    func initProducer(
        _ transactionalId: String?, timeout: Int32 = 60_000, current: Identity = Identity()
    ) throws -> Identity {
        if let transactionalId { try findCoordinator(transactionalId, transaction: true) }
        var identity = Identity()
        _ = try steadily {
            var reader = try call(ApiKey.initProducerId, 4) { writer in
                writer.nullableString(transactionalId)
                writer.int32(timeout)
                writer.int64(current.id)
                writer.int16(current.epoch)
                writer.endStructure()
            }
            _ = try reader.int32()
            identity = Identity(code: try reader.int16(), id: try reader.int64(), epoch: try reader.int16())
            return identity.code
        }
        return identity
    }

    func addPartitions(_ id: String, _ producer: Identity, _ topic: String, _ partitions: [Int32]) throws -> [Int16] {
        var codes: [Int16] = []
        _ = try steadily {
            var reader = try call(ApiKey.addPartitionsToTxn, 2) { writer in
                writer.string(id)
                writer.int64(producer.id)
                writer.int16(producer.epoch)
                writer.array([topic]) { writer, topic in
                    writer.string(topic)
                    writer.array(partitions) { $0.int32($1) }
                }
            }
            _ = try reader.int32()
            codes = try reader.array { reader throws(MalformedRequest) -> [Int16] in
                _ = try reader.string()
                return try reader.array { reader throws(MalformedRequest) -> Int16 in
                    _ = try reader.int32()
                    return try reader.int16()
                }
            }.flatMap { $0 }
            return codes.first ?? 0
        }
        return codes
    }

    func addOffsets(_ id: String, _ producer: Identity, group: String) throws -> Int16 {
        try steadily {
            var reader = try call(ApiKey.addOffsetsToTxn, 2) { writer in
                writer.string(id)
                writer.int64(producer.id)
                writer.int16(producer.epoch)
                writer.string(group)
            }
            _ = try reader.int32()
            return try reader.int16()
        }
    }

    func endTransaction(_ id: String, _ producer: Identity, commit: Bool) throws -> Int16 {
        try steadily { try endTransactionOnce(id, producer, commit: commit) }
    }

    func endTransactionOnce(_ id: String, _ producer: Identity, commit: Bool) throws -> Int16 {
        var reader = try call(ApiKey.endTxn, 2) { writer in
            writer.string(id)
            writer.int64(producer.id)
            writer.int16(producer.epoch)
            writer.bool(commit)
        }
        _ = try reader.int32()
        return try reader.int16()
    }

    func commitInTransaction(
        _ id: String, _ producer: Identity, _ member: GroupMember, _ topic: String, offset: Int64
    ) throws -> Int16 {
        try findCoordinator(member.group, transaction: false)
        return try steadily {
            var reader = try call(ApiKey.txnOffsetCommit, 3) { writer in
                writer.string(id)
                writer.string(member.group)
                writer.int64(producer.id)
                writer.int16(producer.epoch)
                writer.int32(member.generation)
                writer.string(member.id)
                writer.nullableString(member.instance)
                writeOffsets(&writer, topic, offset)
                writer.endStructure()
            }
            _ = try reader.int32()
            return try readOffsetCodes(&reader)
        }
    }

    func commit(_ member: GroupMember, _ topic: String, offset: Int64, metadata: String = "m") throws -> Int16 {
        try findCoordinator(member.group, transaction: false)
        return try steadily {
            var reader = try call(ApiKey.offsetCommit, 7) { writer in
                writer.string(member.group)
                writer.int32(member.generation)
                writer.string(member.id)
                writer.nullableString(member.instance)
                writeOffsets(&writer, topic, offset, metadata)
            }
            _ = try reader.int32()
            return try readOffsetCodes(&reader)
        }
    }

    private func writeOffsets(
        _ writer: inout ByteWriter, _ topic: String, _ offset: Int64, _ metadata: String = "m"
    ) {
        writer.array([topic]) { writer, topic in
            writer.string(topic)
            writer.array([offset]) { writer, offset in
                writer.int32(0)
                writer.int64(offset)
                writer.int32(-1)
                writer.nullableString(metadata)
                writer.endStructure()
            }
            writer.endStructure()
        }
    }

    private func readOffsetCodes(_ reader: inout ByteReader) throws(MalformedRequest) -> Int16 {
        try reader.array { reader throws(MalformedRequest) -> [Int16] in
            _ = try reader.string()
            return try reader.array { reader throws(MalformedRequest) -> Int16 in
                _ = try reader.int32()
                let code = try reader.int16()
                try reader.endStructure()
                return code
            }
        }.first?.first ?? -1
    }

    /// The topics a group has committed anything of.
    func committedTopics(_ group: String, stable: Bool = true) throws -> [String] {
        try findCoordinator(group, transaction: false)
        var topics: [String] = []
        _ = try steadily {
            var reader = try call(ApiKey.offsetFetch, 7) { writer in
                writer.string(group)
                writer.bytesLength(nil)
                writer.bool(stable)
                writer.endStructure()
            }
            _ = try reader.int32()
            topics = try reader.array { reader throws(MalformedRequest) -> String in
                let topic = try reader.string()
                _ = try reader.array { reader throws(MalformedRequest) in
                    try reader.skip(16)
                    _ = try reader.nullableString()
                    _ = try reader.int16()
                    try reader.endStructure()
                }
                try reader.endStructure()
                return topic
            }
            return try reader.int16()
        }
        return topics
    }

    /// Partition 0 of a topic; -1 where nothing is committed.
    func committed(_ group: String, _ topic: String, stable: Bool = true) throws -> (code: Int16, offset: Int64) {
        try findCoordinator(group, transaction: false)
        var offset: Int64 = -1
        let code = try steadily {
            var reader = try call(ApiKey.offsetFetch, 7) { writer in
                writer.string(group)
                writer.array([topic]) { writer, topic in
                    writer.string(topic)
                    writer.array([Int32(0)]) { $0.int32($1) }
                    writer.endStructure()
                }
                writer.bool(stable)
                writer.endStructure()
            }
            _ = try reader.int32()
            let codes = try reader.array { reader throws(MalformedRequest) -> Int16 in
                _ = try reader.string()
                let codes = try reader.array { reader throws(MalformedRequest) -> Int16 in
                    _ = try reader.int32()
                    offset = try reader.int64()
                    _ = try reader.int32()
                    _ = try reader.nullableString()
                    let code = try reader.int16()
                    try reader.endStructure()
                    return code
                }
                try reader.endStructure()
                return codes.first ?? -1
            }
            let whole = try reader.int16()
            return whole == 0 ? codes.first ?? -1 : whole
        }
        return (code, offset)
    }
}
