// What the cluster says of itself: topics and their partitions, its id.

internal import CRdKafka
internal import Glibc

extension Handle {
    /// Partitions by topic, either of all topics of the cluster or of those this handle has opened. A topic that does
    /// not exist is not in it.
    func partitionCounts(all: Bool, timeoutMilliseconds: Int32) throws(KafkaError) -> [String: Int] {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = unsafe rd_kafka_metadata(pointer, all ? 1 : 0, nil, &metadata, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata = unsafe metadata else {
            // Lets the error callback say what is wrong below. A consumer's events come with its polls instead.
            if unsafe rd_kafka_type(pointer) == RD_KAFKA_PRODUCER { _ = unsafe rd_kafka_poll(pointer, 0) }
            throw error(code, doing: "fetch metadata")
        }
        defer { unsafe rd_kafka_metadata_destroy(metadata) }
        var counts: [String: Int] = [:]
        let count = unsafe Int(metadata.pointee.topic_cnt)
        for index in 0..<count {
            let topic = unsafe metadata.pointee.topics[index]
            let name = unsafe String(cString: topic.topic)
            switch unsafe topic.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR where unsafe topic.partition_cnt > 0:
                counts[name] = unsafe Int(topic.partition_cnt)
            case RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
                break
            case let code:
                throw error(code, doing: "fetch metadata of topic '\(name)'")
            }
        }
        return counts
    }

    /// Asks until all of these topics are known; throws which one is still missing at the end. `all`: see
    /// `partitionCounts`.
    func awaitTopics(_ names: [String], all: Bool, _ deadline: Deadline) throws(KafkaError) {
        var missing: KafkaError?
        while true {
            do throws(KafkaError) {
                let partitions = try partitionCounts(all: all, timeoutMilliseconds: deadline.remainingMilliseconds)
                guard let name = names.first(where: { partitions[$0] == nil }) else { return }
                missing = KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, doing: "look for topic '\(name)'")
            } catch {
                guard error.remedy == .retry else { throw error }
                guard !deadline.isOver else { throw missing ?? error }
            }
            if deadline.isOver, let missing { throw missing }
            // A broker may know a topic a moment later than the controller that has created it.
            usleep(20_000)
        }
    }

    func clusterID(timeoutMilliseconds: Int32) throws(KafkaError) -> String {
        guard let text = unsafe rd_kafka_clusterid(pointer, timeoutMilliseconds) else {
            _ = unsafe rd_kafka_poll(pointer, 0)
            throw error(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: "ask for the cluster id")
        }
        defer { unsafe rd_kafka_mem_free(pointer, text) }
        return unsafe String(cString: text)
    }
}
