// librdkafka's own mock broker, for tests that inject faults. It forgets offsets of transactions, shows aborted records
// and fences nobody, so nothing of that can be tested against it.

internal import CRdKafka

@_spi(Testing)
@safe public final class MockCluster {
    private let handle: Handle
    private let cluster: OpaquePointer

    public init(brokers: Int32 = 1) throws(KafkaError) {
        // A handle needs an address; this one never connects, it only carries the cluster.
        handle = try Handle(.producer, KafkaSettings(bootstrap: "127.0.0.1:9"), clientID: "mock", [])
        guard let cluster = unsafe rd_kafka_mock_cluster_new(handle.pointer, brokers) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, doing: "start a mock cluster")
        }
        unsafe self.cluster = cluster
    }

    deinit {
        unsafe rd_kafka_mock_cluster_destroy(cluster)
        handle.close()
    }

    public var settings: KafkaSettings {
        KafkaSettings(bootstrap: unsafe String(cString: rd_kafka_mock_cluster_bootstraps(cluster)))
    }

    public func createTopic(_ name: String, partitions: Int32) {
        _ = unsafe rd_kafka_mock_topic_create(cluster, name, partitions, 1)
    }

    /// The next requests of this API (its number in the protocol) are answered with these codes.
    public func pushErrors(api: Int16, _ codes: [Int32]) {
        var errors = codes.map { rd_kafka_resp_err_t($0) }
        unsafe rd_kafka_mock_push_request_errors_array(cluster, api, errors.count, &errors)
    }

    public func moveLeader(of place: TopicPartition, to broker: Int32) {
        _ = unsafe rd_kafka_mock_partition_set_leader(cluster, place.topic, place.partition, broker)
    }

    /// Every answer of the broker takes this long.
    public func slow(_ id: Int32, milliseconds: Int32) {
        _ = unsafe rd_kafka_mock_broker_set_rtt(cluster, id, milliseconds)
    }

    public func setBroker(_ id: Int32, isUp: Bool) {
        _ = isUp ? unsafe rd_kafka_mock_broker_set_up(cluster, id) : unsafe rd_kafka_mock_broker_set_down(cluster, id)
    }
}
