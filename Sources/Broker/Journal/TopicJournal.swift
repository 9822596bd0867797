// How topics are written to the journal.

enum TopicJournal {
    static func created(_ topic: Topic) -> ByteWriter {
        Journal.entry(.topicCreated) { writer in
            write(
                &writer, name: topic.name, id: topic.id, partitionCount: Int32(topic.partitions.count),
                overrides: topic.overrides)
        }
    }

    static func write(
        _ writer: inout ByteWriter, name: String, id: UUIDBytes, partitionCount: Int32, overrides: [String: String]
    ) {
        writer.string(name)
        writer.uuid(id)
        writer.int32(partitionCount)
        write(&writer, overrides)
    }

    static func write(_ writer: inout ByteWriter, _ overrides: [String: String]) {
        writer.array(overrides) { writer, item in
            writer.string(item.key)
            writer.string(item.value)
        }
    }

    static func overrides(_ reader: inout ByteReader) throws(MalformedRequest) -> [String: String] {
        var overrides: [String: String] = [:]
        for _ in 0..<(try reader.nullableCount() ?? 0) {
            let name = try reader.string()
            overrides[name] = try reader.string()
        }
        return overrides
    }
}
