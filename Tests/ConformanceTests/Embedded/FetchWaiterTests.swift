// Who waits for data and goes away.
import TestSupport
import Testing

@testable import Broker

@Suite struct FetchWaiterTests {
    @Test func whoHasGoneIsNotWaitedForWeeks() throws {
        try withTemporaryDirectory { directory in
            let node = try BrokerNode(directory: directory, port: 0, settings: BrokerSettings())
            try node.catalog.add(name: "t", id: .random(), partitionCount: 1, overrides: [:], nowMilliseconds: 0)
            let log = try #require(node.catalog.topics["t"]?.partition(0))
            let connection = Connection(descriptor: -1, node: node)
            let request = Request(
                api: try #require(Api.table[ApiKey.fetch]), version: 11, correlationId: 1, clientId: "c",
                connection: connection)
            let wanted = FetchWaiter.Wanted(index: 0, epoch: -1, offset: 0, maximumBytes: 100, log: log)
            FetchWaiter(
                node: node, request: request, topics: [.init(name: "t", partitions: [wanted])], readCommitted: false,
                minimumBytes: 1, maximumBytes: 100
            ).start(maximumWaitMilliseconds: Int64(Int32.max))
            #expect(log.waiters.count == 1)
            connection.close()
            try eventually {
                node.core.tick()
                node.core.runTimers()
                return log.waiters.isEmpty
            }
            node.core.forgetTimers()
        }
    }
}
