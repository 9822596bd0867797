// The table of what this broker speaks: keys, versions and handlers.

enum ApiKey {
    static let produce: Int16 = 0
    static let fetch: Int16 = 1
    static let listOffsets: Int16 = 2
    static let metadata: Int16 = 3
    static let offsetCommit: Int16 = 8
    static let offsetFetch: Int16 = 9
    static let findCoordinator: Int16 = 10
    static let joinGroup: Int16 = 11
    static let heartbeat: Int16 = 12
    static let leaveGroup: Int16 = 13
    static let syncGroup: Int16 = 14
    static let describeGroups: Int16 = 15
    static let listGroups: Int16 = 16
    static let apiVersions: Int16 = 18
    static let createTopics: Int16 = 19
    static let deleteTopics: Int16 = 20
    static let initProducerId: Int16 = 22
    static let addPartitionsToTxn: Int16 = 24
    static let addOffsetsToTxn: Int16 = 25
    static let endTxn: Int16 = 26
    static let txnOffsetCommit: Int16 = 28
    static let describeConfigs: Int16 = 32
    static let deleteGroups: Int16 = 42
    static let describeCluster: Int16 = 60
}

struct Api: Sendable {
    typealias Handler = @Sendable (BrokerNode, Request, inout ByteReader) throws(MalformedRequest) -> Void

    let key: Int16
    let advertised: ClosedRange<Int16>
    /// Versions that are really served.
    let accepted: ClosedRange<Int16>
    let flexibleFrom: Int16
    let handle: Handler

    private init(
        _ key: Int16, _ advertised: ClosedRange<Int16>, accepted: ClosedRange<Int16>? = nil, flexibleFrom: Int16,
        _ handle: @escaping Handler
    ) {
        self.key = key
        self.advertised = advertised
        self.accepted = accepted ?? advertised
        self.flexibleFrom = flexibleFrom
        self.handle = handle
    }

    /// Flexible versions end the range where a client of today can do with the ones before.
    private static let all: [Api] = [
        // Versions before 3 are only announced: librdkafka takes their absence for "no compression" (KAFKA-18659).
        Api(ApiKey.produce, 0...9, accepted: 3...9, flexibleFrom: 9, Produce.handle),
        Api(ApiKey.fetch, 4...12, flexibleFrom: 12, Fetch.handle),
        Api(ApiKey.listOffsets, 1...7, flexibleFrom: 6, ListOffsets.handle),
        Api(ApiKey.metadata, 0...12, flexibleFrom: 9, Metadata.handle),
        Api(ApiKey.offsetCommit, 2...8, flexibleFrom: 8, OffsetCommit.handle),
        Api(ApiKey.offsetFetch, 1...8, flexibleFrom: 6, OffsetFetch.handle),
        Api(ApiKey.findCoordinator, 0...4, flexibleFrom: 3, FindCoordinator.handle),
        Api(ApiKey.joinGroup, 0...9, flexibleFrom: 6, JoinGroup.handle),
        Api(ApiKey.heartbeat, 0...4, flexibleFrom: 4, Heartbeat.handle),
        Api(ApiKey.leaveGroup, 0...5, flexibleFrom: 4, LeaveGroup.handle),
        Api(ApiKey.syncGroup, 0...5, flexibleFrom: 4, SyncGroup.handle),
        Api(ApiKey.describeGroups, 0...5, flexibleFrom: 5, DescribeGroups.handle),
        Api(ApiKey.listGroups, 0...5, flexibleFrom: 3, ListGroups.handle),
        Api(ApiKey.apiVersions, 0...4, flexibleFrom: 3, ApiVersions.handle),
        Api(ApiKey.createTopics, 2...7, flexibleFrom: 5, CreateTopics.handle),
        Api(ApiKey.deleteTopics, 1...6, flexibleFrom: 4, DeleteTopics.handle),
        Api(ApiKey.initProducerId, 0...4, flexibleFrom: 2, InitProducerId.handle),
        Api(ApiKey.addPartitionsToTxn, 0...3, flexibleFrom: 3, AddPartitionsToTxn.handle),
        Api(ApiKey.addOffsetsToTxn, 0...3, flexibleFrom: 3, AddOffsetsToTxn.handle),
        Api(ApiKey.endTxn, 0...3, flexibleFrom: 3, EndTxn.handle),
        Api(ApiKey.txnOffsetCommit, 0...3, flexibleFrom: 3, TxnOffsetCommit.handle),
        Api(ApiKey.describeConfigs, 1...4, flexibleFrom: 4, DescribeConfigs.handle),
        Api(ApiKey.deleteGroups, 0...2, flexibleFrom: 2, DeleteGroups.handle),
        Api(ApiKey.describeCluster, 0...1, flexibleFrom: 0, DescribeCluster.handle),
    ]

    static let table: [Int16: Api] = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })
    static let sorted: [Api] = all.sorted { $0.key < $1.key }
}
