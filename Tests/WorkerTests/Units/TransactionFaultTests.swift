// What one transaction makes of the faults of a broker, injected with librdkafka's mock: which are waited for, which
// are tried again, which mean that the shards are gone, and which end the process.
import Foundation
@_spi(Testing) import Kafka
import Platform
import TestSupport
import Testing

@testable import Worker

@Suite(.serialized) struct TransactionFaultTests {
    /// Kafka's numbers of the requests that are made to fail.
    private enum API {
        static let addPartitions: Int16 = 24
        static let addOffsets: Int16 = 25
        static let endTransaction: Int16 = 26
        static let commitOffsets: Int16 = 28
    }

    /// A member of a group with something to commit.
    private final class Member: RebalanceListener {
        let cluster: MockCluster
        let producer: TransactionalProducer
        var consumer: GroupConsumer?
        var group: GroupMetadata?
        /// Of a fatal end.
        private(set) var lastWords = ""

        init() throws {
            cluster = try MockCluster()
            cluster.createTopic("in", partitions: 1)
            cluster.createTopic("out", partitions: 1)
            producer = try TransactionalProducer(cluster.settings, transactionalID: "t")
            try producer.initialise(timeoutMilliseconds: 20_000)
            try producer.warmUp(topics: ["out"], timeoutMilliseconds: 10_000)
            let consumer = try GroupConsumer(cluster.settings, group: "g", instance: nil, listener: self)
            self.consumer = consumer
            try consumer.subscribe(["in"])
            try eventually(timeout: 60, "an assignment", every: 0) {
                _ = consumer.poll(timeoutMilliseconds: 50)
                return group != nil
            }
        }

        func assigned(_ partitions: [TopicPartition], by consumer: GroupConsumer) -> [Position]? {
            group = try? consumer.groupMetadata()
            return partitions.map { Position(topic: $0.topic, partition: $0.partition, offset: 0) }
        }

        func revoked(_ partitions: [TopicPartition], lost: Bool) {}

        /// What became of one transaction.
        func commit(
            deadlineMilliseconds: Int64 = 20_000, ready: @escaping (Int64) throws -> Void = { _ in }
        ) throws -> String {
            guard let group else { return "no group" }
            let commit = TransactionCommit(
                producer: producer, group: group, deadlineMilliseconds: deadlineMilliseconds, ready: ready)
            let record = OutgoingRecord(topic: "out", partition: 0, key: nil, value: [1])
            let transaction = Transaction(
                positions: [Position(topic: "in", partition: 0, offset: 1)], records: [record])
            do {
                switch try commit.run(transaction) {
                case .committed(let written):
                    return written[TopicPartition(topic: "out", partition: 0)] == nil ? "no offset" : "committed"
                case .notOurs: return "not ours"
                }
            } catch let error as FatalError {
                lastWords = error.description
                return "fatal"
            }
        }
    }

    @Test(arguments: [
        // CONCURRENT_TRANSACTIONS: the markers of the last one are still being written.
        (API.addOffsets, [Int32(51), 51], "committed"), (API.endTransaction, [51, 51], "committed"),
        (API.addPartitions, [51], "committed"),
        // NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS: the coordinator has moved.
        (API.endTransaction, [16, 14], "committed"), (API.addOffsets, [16], "committed"),
        // The connection breaks before the answer comes: nobody knows whether it was done, until it is asked again.
        (API.endTransaction, [-195], "committed"), (API.commitOffsets, [-195], "committed"),
        // ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID: the shards are another's.
        (API.commitOffsets, [22], "not ours"), (API.commitOffsets, [25], "not ours"),
        (API.commitOffsets, [82], "not ours"),
        // PRODUCER_FENCED, INVALID_PRODUCER_EPOCH: a newer process has our name.
        (API.endTransaction, [90], "fatal"), (API.endTransaction, [47], "fatal"),
    ])
    func faults(_ api: Int16, _ codes: [Int32], _ expected: String) throws {
        let member = try Member()
        #expect(try member.commit() == "committed", "without a fault")
        member.cluster.pushErrors(api: api, codes)
        #expect(try member.commit() == expected)
        if expected == "fatal" {
            #expect(member.lastWords.hasPrefix("another process is at work as t on this Kafka"), "\(member.lastWords)")
        }
        if expected != "fatal" { #expect(try member.commit() == "committed", "and after it") }
    }

    @Test func aMemberThatIsFencedSaysByWhom() {
        func words(_ code: Int32, _ name: String) -> String {
            FatalError(KafkaError(remedy: .giveUp, code: code, name: name, text: "poll"), of: "order-0").description
        }
        let fenced = words(82, "FENCED_INSTANCE_ID")
        #expect(fenced.hasPrefix("another process is at work as order-0 on this Kafka"))
        #expect(fenced.contains("a second system") && fenced.hasSuffix("poll (FENCED_INSTANCE_ID)"))
        #expect(words(-199, "_BAD_MSG") == "poll (_BAD_MSG)")
    }

    /// Nothing has begun that could be aborted: the loop hears of nothing but the end.
    @Test(arguments: [KafkaError.Remedy.abort, .giveUp, .fixConfiguration])
    func aTransactionThatCannotBePreparedEndsTheProcess(_ remedy: KafkaError.Remedy) throws {
        let member = try Member()
        let outcome = try member.commit { _ in throw KafkaError(remedy: remedy, code: 0, name: "X", text: "no") }
        #expect(outcome == "fatal")
    }

    /// Its coordinator goes on saying that it is busy.
    @Test func anOutcomeThatStaysUnknownEndsTheProcess() throws {
        let member = try Member()
        #expect(try member.commit() == "committed")
        member.cluster.pushErrors(api: API.endTransaction, [Int32](repeating: 51, count: 10_000))
        #expect(try member.commit(deadlineMilliseconds: 1_500) == "fatal")
        #expect(member.lastWords.contains("the outcome of a transaction stayed unknown"), "\(member.lastWords)")
    }

    /// The broker is away before the commit has begun: that nothing is committed is known.
    @Test func anOutcomeThatIsKnownIsSaid() throws {
        let member = try Member()
        #expect(try member.commit() == "committed")
        member.cluster.setBroker(1, isUp: false)
        #expect(try member.commit(deadlineMilliseconds: 1_500) == "fatal")
        #expect(member.lastWords.contains("nothing of it is committed"), "\(member.lastWords)")
    }
}
