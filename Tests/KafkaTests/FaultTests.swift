// Faults injected with librdkafka's own mock broker, and what each error advises.
@_spi(Testing) import Kafka
import TestSupport
import Testing

@Suite struct FaultTests {
    /// Kafka's numbers of the requests that are made to fail.
    private enum API {
        static let endTransaction: Int16 = 26
        static let addOffsets: Int16 = 25
        static let initProducerID: Int16 = 22
        static let produce: Int16 = 0
    }

    private func started(_ cluster: MockCluster) throws -> TransactionalProducer {
        cluster.createTopic("t", partitions: 2)
        let producer = try TransactionalProducer(cluster.settings, transactionalID: unique("x"))
        try producer.initialise(timeoutMilliseconds: 20_000)
        try producer.warmUp(topics: ["t"], timeoutMilliseconds: 10_000)
        return producer
    }

    @Test func aBusyCoordinatorIsWaitedFor() throws {
        let cluster = try MockCluster()
        let producer = try started(cluster)
        // 51: CONCURRENT_TRANSACTIONS, the markers of the last transaction are still being written.
        cluster.pushErrors(api: API.endTransaction, [51, 51, 51])
        try producer.begin()
        try producer.send(OutgoingRecord("t", 0, "a"))
        try producer.commit(timeoutMilliseconds: 5_000)
        #expect(producer.takeDelivered() == [TopicPartition(topic: "t", partition: 0): 0])
    }

    @Test func aFencedCommitEndsTheProcess() throws {
        let cluster = try MockCluster()
        let producer = try started(cluster)
        try producer.begin()
        try producer.send(OutgoingRecord("t", 0, "a"))
        // 90: PRODUCER_FENCED
        cluster.pushErrors(api: API.endTransaction, [90])
        #expect { try producer.commit(timeoutMilliseconds: 5_000) } throws: {
            ($0 as? KafkaError)?.remedy == .giveUp && ($0 as? KafkaError)?.name == "_FENCED"
        }
        #expect(producer.fatalError != nil)
        #expect { try producer.begin() } throws: { ($0 as? KafkaError)?.remedy == .giveUp }
    }

    @Test func aCommitThatTakesTooLongIsAskedForAgain() throws {
        let cluster = try MockCluster()
        let producer = try started(cluster)
        try producer.begin()
        try producer.send(OutgoingRecord("t", 0, "a"))
        try eventually {
            // The record is delivered by the flush of the first attempt; then the broker goes away.
            (try? Reader(cluster.settings, clientID: "r").watermarks(
                TopicPartition(topic: "t", partition: 0), timeoutMilliseconds: 5_000
            ).high) == 1
        }
        cluster.setBroker(1, isUp: false)
        #expect { try producer.commit(timeoutMilliseconds: 300) } throws: { ($0 as? KafkaError)?.remedy == .retry }
        // There is no way back from a commit that has begun.
        #expect { try producer.abort(timeoutMilliseconds: 300) } throws: { ($0 as? KafkaError)?.remedy != .abort }
        cluster.setBroker(1, isUp: true)
        try eventually(timeout: 30, "the commit") {
            do throws(KafkaError) {
                try producer.commit(timeoutMilliseconds: 500)
                return true
            } catch {
                guard error.remedy == .retry else { throw error }
                return false
            }
        }
        try producer.begin()
        try producer.abort(timeoutMilliseconds: 5_000)
    }

    @Test func aBrokerThatIsNotThereIsNamedInTheError() throws {
        let settings = KafkaSettings(bootstrap: "127.0.0.1:1")
        #expect {
            try TransactionalProducer(settings, transactionalID: "x").initialise(timeoutMilliseconds: 1_500)
        } throws: { ($0 as? KafkaError)?.remedy == .retry }
        #expect {
            try Admin.listTopics(settings, timeoutMilliseconds: 1_500)
        } throws: {
            let error = $0 as? KafkaError
            return error?.remedy == .retry && error?.text.contains("Connection refused") == true
        }
        let producer = try Producer(settings, clientID: "p", deliveryTimeoutMilliseconds: 1_000, queueRecordsMax: 3)
        for _ in 0..<3 { try producer.send(OutgoingRecord("t", 0, "a")) }
        #expect { try producer.send(OutgoingRecord("t", 0, "a")) } throws: {
            ($0 as? KafkaError)?.isQueueFull == true && ($0 as? KafkaError)?.remedy == .retry
        }
        #expect(producer.queueLength >= 3)
        #expect(throws: KafkaError.self) { try producer.flush(timeoutMilliseconds: 10) }
        try eventually {
            producer.serve(timeoutMilliseconds: 50)
            return producer.failedDeliveries == 3
        }
        #expect(producer.lastDeliveryError?.remedy == .retry)
    }

    @Test func sendingToASlowBrokerDoesNotBlock() throws {
        let cluster = try MockCluster()
        cluster.createTopic("t", partitions: 1)
        let producer = try Producer(cluster.settings, clientID: "p")
        try producer.warmUp(topics: ["t"], timeoutMilliseconds: 10_000)
        // 7: REQUEST_TIMED_OUT, is repeated inside the library.
        cluster.pushErrors(api: API.produce, [7, 7])
        for _ in 0..<100 { try producer.send(OutgoingRecord("t", 0, "a")) }
        try producer.flush(timeoutMilliseconds: 10_000)
        #expect(producer.failedDeliveries == 0)
    }

    /// A broker that has just become leader may refuse a batch and take the next one, which is on its way already.
    @Test func aRefusedBatchIsNotDeliveredByItsSuccessor() throws {
        let cluster = try MockCluster()
        let place = TopicPartition(topic: "t", partition: 0)
        cluster.createTopic("t", partitions: 1)
        let producer = try Producer(cluster.settings, clientID: "p")
        let careful = try TransactionalProducer(cluster.settings, transactionalID: "careful")
        try producer.warmUp(topics: ["t"], timeoutMilliseconds: 10_000)
        try careful.initialise(timeoutMilliseconds: 10_000)
        try careful.warmUp(topics: ["t"], timeoutMilliseconds: 10_000)
        cluster.slow(1, milliseconds: 50)
        let reader = try Reader(cluster.settings, clientID: "r")

        cluster.pushErrors(api: API.produce, [6])
        for _ in 0..<10 {
            try producer.send(OutgoingRecord("t", 0, "a"))
            producer.serve(timeoutMilliseconds: 2)
        }
        try producer.flush(timeoutMilliseconds: 10_000)
        #expect(try reader.watermarks(place, timeoutMilliseconds: 5_000).high >= 10)

        let before = try reader.watermarks(place, timeoutMilliseconds: 5_000).high
        try careful.begin()
        cluster.pushErrors(api: API.produce, [6])
        for _ in 0..<10 {
            try careful.send(OutgoingRecord("t", 0, "b"))
            producer.serve(timeoutMilliseconds: 10)
        }
        do {
            try careful.commit(timeoutMilliseconds: 10_000)
            #expect(try reader.watermarks(place, timeoutMilliseconds: 5_000).high == before + 10)
        } catch {
            #expect(error.remedy == .abort && error.name == "UNPLACED", "\(error)")
            try careful.abort(timeoutMilliseconds: 10_000)
        }
    }

    /// A killed broker's partitions get other leaders; who only asks for the ends of logs must hear of it.
    @Test func theEndsOfLogsAreFoundAtTheNewLeader() throws {
        let cluster = try MockCluster(brokers: 2)
        let place = TopicPartition(topic: "t", partition: 0)
        cluster.createTopic("t", partitions: 1)
        cluster.moveLeader(of: place, to: 1)
        let reader = try Reader(cluster.settings, clientID: "r")
        try eventually { try reader.highWatermarks([place], timeoutMilliseconds: 5_000).map(\.offset) == [0] }
        #expect(try reader.watermarks(place, timeoutMilliseconds: 5_000) == (0, 0))
        cluster.moveLeader(of: place, to: 2)
        try eventually { (try? reader.highWatermarks([place], timeoutMilliseconds: 5_000).map(\.offset)) == [0] }
        cluster.moveLeader(of: place, to: 1)
        try eventually { (try? reader.watermarks(place, timeoutMilliseconds: 5_000).high) == 0 }
    }
}
