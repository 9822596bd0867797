// The calls about topics and records.
import Foundation
import TestSupport

@testable import Broker

extension RawClient {
    struct TopicInfo {
        let code: Int16
        let name: String
        let partitions: Int
    }
    struct ClusterInfo {
        let brokers: Int
        let clusterId: String?
        let controller: Int32
        let topics: [TopicInfo]
    }

    /// Nil asks for all topics.
    func metadata(_ topics: [String]?) throws -> ClusterInfo {
        var reader = try call(ApiKey.metadata, 5) { writer in
            if let topics { writer.array(topics) { $0.string($1) } } else { writer.bytesLength(nil) }
            writer.bool(true)
        }
        _ = try reader.int32()
        let brokers = try reader.array { reader throws(MalformedRequest) -> Int32 in
            let id = try reader.int32()
            _ = try reader.string()
            _ = try reader.int32()
            _ = try reader.nullableString()
            return id
        }
        let cluster = try reader.nullableString()
        let controller = try reader.int32()
        let found = try reader.array { reader throws(MalformedRequest) -> TopicInfo in
            let code = try reader.int16()
            let name = try reader.string()
            _ = try reader.bool()
            let partitions = try reader.array { reader throws(MalformedRequest) -> Int32 in
                _ = try reader.int16()
                let index = try reader.int32()
                _ = try reader.int32()
                for _ in 0..<3 { _ = try reader.array { r throws(MalformedRequest) in try r.int32() } }
                return index
            }
            return TopicInfo(code: code, name: name, partitions: partitions.count)
        }
        return ClusterInfo(brokers: brokers.count, clusterId: cluster, controller: controller, topics: found)
    }

    func createTopic(
        _ name: String, partitions: Int32 = 1, replication: Int16 = 1, configs: [String: String] = [:],
        validateOnly: Bool = false
    ) throws -> Int16 {
        var reader = try call(ApiKey.createTopics, 4) { writer in
            writer.array([name]) { writer, name in
                writer.string(name)
                writer.int32(partitions)
                writer.int16(replication)
                writer.count(0)
                writer.array(configs) { writer, item in
                    writer.string(item.key)
                    writer.nullableString(item.value)
                }
            }
            writer.int32(10_000)
            writer.bool(validateOnly)
        }
        _ = try reader.int32()
        return try reader.array { reader throws(MalformedRequest) -> Int16 in
            _ = try reader.string()
            let code = try reader.int16()
            _ = try reader.nullableString()
            return code
        }.first ?? -1
    }

    func deleteTopic(_ name: String) throws -> Int16 {
        var reader = try call(ApiKey.deleteTopics, 1) { writer in
            writer.array([name]) { $0.string($1) }
            writer.int32(10_000)
        }
        _ = try reader.int32()
        return try reader.array { reader throws(MalformedRequest) -> Int16 in
            _ = try reader.string()
            return try reader.int16()
        }.first ?? -1
    }

    func topicConfigs(_ name: String) throws -> (code: Int16, configs: [String: String]) {
        var reader = try call(ApiKey.describeConfigs, 1) { writer in
            writer.array([name]) { writer, name in
                writer.int8(2)
                writer.string(name)
                writer.bytesLength(nil)
            }
            writer.bool(false)
        }
        _ = try reader.int32()
        let found = try reader.array { reader throws(MalformedRequest) -> (code: Int16, configs: [String: String]) in
            let code = try reader.int16()
            _ = try reader.nullableString()
            _ = try reader.int8()
            _ = try reader.string()
            let entries = try reader.array { reader throws(MalformedRequest) -> (String, String) in
                let name = try reader.string()
                let value = try reader.nullableString() ?? ""
                _ = try reader.bool()
                _ = try reader.int8()
                _ = try reader.bool()
                _ = try reader.array { reader throws(MalformedRequest) in
                    _ = try reader.string()
                    _ = try reader.nullableString()
                    _ = try reader.int8()
                }
                return (name, value)
            }
            return (code, Dictionary(uniqueKeysWithValues: entries))
        }
        guard let first = found.first else { throw Failed("no answer about \(name)") }
        return first
    }

    // MARK: Records

    struct Produced: Equatable {
        let code: Int16
        let offset: Int64
        /// Set for a repeated batch: the time of the one that is stored.
        var timestamp: Int64 = -1
    }

    func produce(
        _ topic: String, _ batch: [UInt8], partition: Int32 = 0, acks: Int16 = -1, transactionalId: String? = nil
    ) throws -> Produced {
        try sendProduce(topic, partition, batch, acks: acks, transactionalId: transactionalId)
        var reader = try receiveAnswer(ApiKey.produce, 7)
        let found = try reader.array { reader throws(MalformedRequest) -> [Produced] in
            _ = try reader.string()
            return try reader.array { reader throws(MalformedRequest) -> Produced in
                _ = try reader.int32()
                let code = try reader.int16()
                let offset = try reader.int64()
                let timestamp = try reader.int64()
                _ = try reader.int64()
                return Produced(code: code, offset: offset, timestamp: timestamp)
            }
        }
        guard let first = found.first?.first else { throw Failed("an empty answer to produce") }
        return first
    }

    func sendProduce(
        _ topic: String, _ partition: Int32, _ batch: [UInt8], acks: Int16, transactionalId: String? = nil
    ) throws {
        try send(ApiKey.produce, 7) { writer in
            writer.nullableString(transactionalId)
            writer.int16(acks)
            writer.int32(10_000)
            writer.array([topic]) { writer, topic in
                writer.string(topic)
                writer.array([partition]) { writer, partition in
                    writer.int32(partition)
                    writer.byteArray(batch)
                }
            }
        }
    }

    struct Fetched {
        var code: Int16 = 0
        var highWatermark: Int64 = -1
        var lastStableOffset: Int64 = -1
        var logStart: Int64 = -1
        /// Producer id and first offset of the aborted transactions.
        var aborted: [[Int64]] = []
        var bytes: [UInt8] = []

        /// The batches, whole ones only.
        var batches: [(header: BatchHeader, start: Int)] {
            var found: [(header: BatchHeader, start: Int)] = []
            var start = 0
            while let header = BatchHeader(bytes, at: start), start + header.totalSize <= bytes.count {
                found.append((header, start))
                start += header.totalSize
            }
            return found
        }

        /// Values of the records that are not control records.
        var values: [String] {
            batches.filter { !$0.header.isControl }.flatMap { header, start -> [String] in
                var values: [String] = []
                _ = try? RecordBatch.forEachRecord(header, bytes, start..<start + header.totalSize) {
                    record throws(MalformedRequest) in
                    values.append(record.value.map { String(decoding: bytes[$0], as: UTF8.self) } ?? "null")
                }
                return values
            }
        }
    }

    func fetch(
        _ topic: String, _ partition: Int32 = 0, from offset: Int64 = 0, wait: Int32 = 0, minimumBytes: Int32 = 1,
        maximumBytes: Int32 = 1 << 20, partitionBytes: Int32 = 1 << 20, readCommitted: Bool = false
    ) throws -> Fetched {
        try sendFetch(
            [(topic, partition, offset)], wait: wait, minimumBytes: minimumBytes, maximumBytes: maximumBytes,
            partitionBytes: partitionBytes, readCommitted: readCommitted)
        guard let first = try receiveFetch().first else { throw Failed("an empty answer to fetch") }
        return first
    }

    func sendFetch(
        _ places: [(topic: String, partition: Int32, offset: Int64)], wait: Int32, minimumBytes: Int32 = 1,
        maximumBytes: Int32 = 1 << 20, partitionBytes: Int32 = 1 << 20, readCommitted: Bool = false
    ) throws {
        try send(ApiKey.fetch, 11) { writer in
            writer.int32(-1)
            writer.int32(wait)
            writer.int32(minimumBytes)
            writer.int32(maximumBytes)
            writer.int8(readCommitted ? 1 : 0)
            writer.int32(0)
            writer.int32(-1)
            writer.array(places) { writer, place in
                writer.string(place.topic)
                writer.array([place.partition]) { writer, partition in
                    writer.int32(partition)
                    writer.int32(-1)
                    writer.int64(place.offset)
                    writer.int64(-1)
                    writer.int32(partitionBytes)
                }
            }
            writer.count(0)
            writer.string("")
        }
    }

    func receiveFetch() throws -> [Fetched] {
        var reader = try receiveAnswer(ApiKey.fetch, 11)
        _ = try reader.int32()
        _ = try reader.int16()
        _ = try reader.int32()
        return try reader.array { reader throws(MalformedRequest) -> [Fetched] in
            _ = try reader.string()
            return try reader.array { reader throws(MalformedRequest) -> Fetched in
                _ = try reader.int32()
                var fetched = Fetched()
                fetched.code = try reader.int16()
                fetched.highWatermark = try reader.int64()
                fetched.lastStableOffset = try reader.int64()
                fetched.logStart = try reader.int64()
                fetched.aborted = try reader.array { reader throws(MalformedRequest) in
                    [try reader.int64(), try reader.int64()]
                }
                _ = try reader.int32()
                fetched.bytes = try reader.byteArray()
                return fetched
            }
        }.flatMap { $0 }
    }

    func listOffset(
        _ topic: String, _ partition: Int32 = 0, timestamp: Int64, readCommitted: Bool = false
    ) throws -> (code: Int16, offset: Int64) {
        var reader = try call(ApiKey.listOffsets, 2) { writer in
            writer.int32(-1)
            writer.int8(readCommitted ? 1 : 0)
            writer.array([topic]) { writer, topic in
                writer.string(topic)
                writer.array([partition]) { writer, partition in
                    writer.int32(partition)
                    writer.int64(timestamp)
                }
            }
        }
        _ = try reader.int32()
        let found = try reader.array { reader throws(MalformedRequest) -> [(code: Int16, offset: Int64)] in
            _ = try reader.string()
            return try reader.array { reader throws(MalformedRequest) -> (code: Int16, offset: Int64) in
                _ = try reader.int32()
                let code = try reader.int16()
                _ = try reader.int64()
                return (code, try reader.int64())
            }
        }
        guard let first = found.first?.first else { throw Failed("an empty answer to list offsets") }
        return first
    }
}

/// A batch of text records as a client would send it.
func batch(
    _ values: [String], keys: [String?] = [], producerId: Int64 = -1, epoch: Int16 = -1, sequence: Int32 = -1,
    transactional: Bool = false, timestamp: Int64? = nil, compression: Int16 = 0
) -> [UInt8] {
    let time = timestamp ?? Int64(Date().timeIntervalSince1970 * 1000)
    var builder = BatchBuilder(baseOffset: 0, firstTimestamp: time)
    for (number, value) in values.enumerated() {
        let key = number < keys.count ? keys[number].map { Array($0.utf8)[...] } : nil
        builder.add(
            offset: Int64(number), timestamp: time, key: key, value: value == "null" ? nil : Array(value.utf8)[...],
            headers: [0])
    }
    return builder.finish(
        attributes: (transactional ? 0x10 : 0) | compression, producerId: producerId, producerEpoch: epoch,
        baseSequence: sequence)
}
