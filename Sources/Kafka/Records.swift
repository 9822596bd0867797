// What goes into a log and comes out of it, and the places in it.

public struct Header: Sendable, Equatable {
    public var name: String
    public var value: [UInt8]

    public init(_ name: String, _ text: String) {
        self.name = name
        self.value = Array(text.utf8)
    }

    public init(_ name: String, bytes: [UInt8]) {
        self.name = name
        self.value = bytes
    }

    /// The value as UTF-8; what is none is repaired.
    public var text: String { String(decoding: value, as: UTF8.self) }
}

public struct TopicPartition: Hashable, Sendable, CustomStringConvertible {
    public var topic: String
    public var partition: Int32

    public init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    public var description: String { "\(topic)[\(partition)]" }
}

/// A place in a log. The offset is -1 where there is none, for example for a group that has not committed yet.
public struct Position: Hashable, Sendable, CustomStringConvertible {
    public var topic: String
    public var partition: Int32
    public var offset: Int64

    public init(topic: String, partition: Int32, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }

    public var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }
    public var description: String { "\(topic)[\(partition)]@\(offset)" }
}

/// A record that was read: a copy of its own, librdkafka's message is gone.
public struct Record: Sendable, Equatable {
    public var topic: String
    public var partition: Int32
    public var offset: Int64
    /// -1 when the broker gave none.
    public var timestampMilliseconds: Int64
    public var key: [UInt8]?
    /// nil is a tombstone.
    public var value: [UInt8]?
    public var headers: Headers

    public init(
        topic: String, partition: Int32, offset: Int64, timestampMilliseconds: Int64, key: [UInt8]?, value: [UInt8]?,
        headers: Headers
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestampMilliseconds = timestampMilliseconds
        self.key = key
        self.value = value
        self.headers = headers
    }

    public var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }

    /// The text of the last header of this name: Kafka allows several, and the last one wins.
    public func header(_ name: String) -> String? { headers.text(name) }
}

/// A record to be written, always to a partition that the sender chose.
public struct OutgoingRecord: Sendable, Equatable {
    public var topic: String
    public var partition: Int32
    public var key: [UInt8]?
    /// nil is a tombstone.
    public var value: [UInt8]?
    public var headers: Headers

    public init(topic: String, partition: Int32, key: [UInt8]?, value: [UInt8]?, headers: Headers = []) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// What one poll gave.
public enum Polled: Sendable {
    case record(Record)
    /// Everything readable of this partition was delivered; the next record will have this offset or a later one.
    case end(TopicPartition, offset: Int64)
    case idle
    case failed(KafkaError)
}
