// librdkafka's list of partitions with offsets, owned for the length of a call.

internal import CRdKafka

/// Freed when it goes out of scope: one that outlives the call it was made for can make rd_kafka_destroy hang for ever.
@safe struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(_ positions: [Position]) {
        unsafe pointer = rd_kafka_topic_partition_list_new(Int32(positions.count))
        for position in positions {
            let element = unsafe rd_kafka_topic_partition_list_add(pointer, position.topic, position.partition)
            unsafe element?.pointee.offset = position.offset < 0 ? noOffset : position.offset
        }
    }

    /// Without offsets.
    init(_ partitions: [TopicPartition]) {
        self.init(partitions.map { Position(topic: $0.topic, partition: $0.partition, offset: -1) })
    }

    /// Kafka's own numbers in place of offsets.
    func setOffsets(_ offset: Int64) {
        let count = unsafe Int(pointer.pointee.cnt)
        for index in 0..<count { unsafe pointer.pointee.elems[index].offset = offset }
    }

    deinit { unsafe rd_kafka_topic_partition_list_destroy(pointer) }

    /// The elements after a call has filled them in; the first one that failed is thrown.
    func positions(doing what: String) throws(KafkaError) -> [Position] {
        let count = unsafe Int(pointer.pointee.cnt)
        for index in 0..<count {
            let element = unsafe pointer.pointee.elems[index]
            guard unsafe element.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw unsafe KafkaError(element.err, doing: "\(what) of \(place(of: element))")
            }
        }
        return unsafe Kafka.positions(in: pointer)
    }
}

/// RD_KAFKA_OFFSET_INVALID, a cast macro: no offset.
let noOffset: Int64 = -1001

/// Copies a list, which may be the library's own, as in the rebalance callback.
func positions(in list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> [Position] {
    let count = unsafe Int(list.pointee.cnt)
    return (0..<count).map { index in
        let element = unsafe list.pointee.elems[index]
        let offset = unsafe element.offset
        return Position(
            topic: unsafe String(cString: element.topic), partition: unsafe element.partition, offset: max(-1, offset))
    }
}

private func place(of element: rd_kafka_topic_partition_t) -> String {
    "\(unsafe String(cString: element.topic))[\(unsafe element.partition)]"
}
