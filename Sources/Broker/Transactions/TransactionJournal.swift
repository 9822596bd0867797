// How a transactional id is written to the journal as a whole.

enum TransactionJournal {
    static func write(_ writer: inout ByteWriter, _ transaction: Transaction) {
        writer.string(transaction.id)
        writer.int64(transaction.producerId)
        writer.int16(transaction.epoch)
        writer.int32(transaction.timeoutMilliseconds)
        writer.int8(transaction.state.rawValue)
        writer.int64(transaction.startedMilliseconds)
        writer.int64(transaction.lastUseMilliseconds)
        writer.array(transaction.partitions) { writer, key in
            writer.string(key.topic)
            writer.int32(key.partition)
        }
        writer.array(transaction.groups) { $0.string($1) }
        writer.int16(transaction.previousEpoch)
    }

    static func read(_ reader: inout ByteReader) throws(MalformedRequest) -> Transaction {
        let id = try reader.string()
        let producerId = try reader.int64()
        let epoch = try reader.int16()
        let timeout = try reader.int32()
        guard let state = Transaction.State(rawValue: try reader.int8()) else {
            throw MalformedRequest("unknown state of a transaction")
        }
        let started = try reader.int64()
        let transaction = Transaction(
            id: id, producerId: producerId, epoch: epoch, timeoutMilliseconds: timeout,
            wallMilliseconds: try reader.int64())
        transaction.state = state
        transaction.startedMilliseconds = started
        for _ in 0..<(try reader.nullableCount() ?? 0) {
            let topic = try reader.string()
            transaction.partitions.insert(TopicPartition(topic: topic, partition: try reader.int32()))
        }
        for _ in 0..<(try reader.nullableCount() ?? 0) { transaction.groups.insert(try reader.string()) }
        // Journals of before end here.
        if reader.remaining > 0 { transaction.previousEpoch = try reader.int16() }
        return transaction
    }
}
