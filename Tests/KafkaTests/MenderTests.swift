// Transactions that a broker forgot to end: what is asked, and that nothing is touched that goes on.
import Foundation
import TestSupport
import Testing

@testable import Kafka

@Suite struct MenderTests {
    @Test func theCoordinatorsPartitionIsJavasHash() {
        // "abc".hashCode() is 96354 in Java; the least number has no positive twin.
        #expect(TransactionStep.partition(of: "abc", count: 50) == 96_354 % 50)
        #expect(TransactionStep.partition(of: "polygenelubricants", count: 50) == 0)
        #expect(TransactionStep.partition(of: "", count: 4) == 0)
    }

    @Test func aStepIsReadInBothOfItsVersions() throws {
        var plain = ProtocolWriter()
        plain.integer(Int16(0))
        plain.integer(Int64(7))
        plain.integer(Int16(3))
        plain.integer(Int32(10_000))
        plain.integer(Int8(2))
        plain.array(["orders"]) { writer, topic in
            writer.string(topic)
            writer.array([Int32(4), 9]) { $0.integer($1) }
        }
        let commit = try #require(TransactionStep(plain.bytes))
        #expect(commit.producerID == 7)
        #expect(commit.isCommit == true)
        #expect(
            commit.partitions == [
                TopicPartition(topic: "orders", partition: 4), TopicPartition(topic: "orders", partition: 9),
            ])

        var flexible = ProtocolWriter()
        flexible.integer(Int16(1))
        flexible.integer(Int64(8))
        flexible.integer(Int16(0))
        flexible.integer(Int32(10_000))
        flexible.integer(Int8(3))
        flexible.compactArray(["orders"]) { writer, topic in
            writer.compactString(topic)
            writer.compactArray([Int32(1)]) { $0.integer($1) }
            writer.noTags()
        }
        let abort = try #require(TransactionStep(flexible.bytes))
        #expect(abort.isCommit == false)
        #expect(abort.partitions == [TopicPartition(topic: "orders", partition: 1)])
    }

    @Test func damagedStepsAreNone() {
        for length in 0..<20 { #expect(TransactionStep([UInt8](repeating: 0, count: length)) == nil) }
        #expect(TransactionStep([UInt8](repeating: 0xff, count: 64)) == nil)
        // A count far beyond what is there must not be believed.
        #expect(TransactionStep([0, 0] + [UInt8](repeating: 0, count: 15) + [0x7f, 0xff, 0xff, 0xff]) == nil)
    }

    @Test func aBrokerThatIsNotThereIsTriedAgain() throws {
        let mender = TransactionMender(
            KafkaSettings(bootstrap: "127.0.0.1:\(try freePort())"), topics: [], transactionalIDs: ["x"])
        let error = try #require(throws: KafkaError.self) { try mender.mend() }
        #expect(error.remedy == .retry)
        #expect(!mender.isCurrent)
    }

    /// A listener that takes connections and says nothing: a process that was stopped, a machine that hangs.
    @Test func aBrokerThatIsSilentIsNotWaitedForLong() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 5) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        #expect(isBound)
        let mender = TransactionMender(
            KafkaSettings(bootstrap: "127.0.0.1:\(UInt16(bigEndian: address.sin_port))"), topics: [],
            transactionalIDs: ["x"])
        let started = Date()
        let error = try #require(throws: KafkaError.self) { try mender.mend(patienceMilliseconds: 300) }
        #expect(error.remedy == .retry)
        #expect(Date().timeIntervalSince(started) < 2)
    }

    @Test func theEmbeddedBrokerNeedsNoMender() throws {
        let broker = try SharedEmbeddedBroker.shared.get()
        let mender = TransactionMender(
            KafkaSettings(bootstrap: broker.bootstrap), topics: [], transactionalIDs: ["x"])
        #expect(try mender.mend().isEmpty)
        #expect(mender.isCurrent)
    }

    @Test(.enabled(if: ApacheKafka.isAvailable, "KAFKA_HOME is not set"))
    func whatGoesOnIsLeftAlone() throws {
        let settings = KafkaSettings(bootstrap: try ApacheKafka.shared.get().bootstrap)
        let topic = "mender-\(UUID().uuidString)"
        _ = try Admin.createTopics([TopicSpec(name: topic, partitions: 2)], settings)
        let producer = try TransactionalProducer(settings, transactionalID: topic)
        try producer.initialise(timeoutMilliseconds: 30_000)
        try producer.warmUp(topics: [topic], timeoutMilliseconds: 10_000)
        try producer.begin()
        try producer.send(OutgoingRecord(topic: topic, partition: 0, key: nil, value: [1], headers: []))
        let mender = TransactionMender(settings, topics: [topic], transactionalIDs: [topic])
        let stranger = TransactionMender(settings, topics: [topic], transactionalIDs: ["somebody else"])
        try eventually(timeout: 30, "the broker has the record") {
            // Its own transaction is open: a new life of the id would end it, so one look is not enough. A partition that
            // was just made may have no leader yet, which is said as an error.
            ((try? mender.mend())?.isEmpty ?? false) && !mender.isCurrent
        }
        #expect(try stranger.mend().isEmpty)
        #expect(stranger.isCurrent)
        try producer.commit(timeoutMilliseconds: 10_000)
        try eventually("all is ended") {
            // The markers may be under way still, which is said as an error.
            ((try? mender.mend())?.isEmpty ?? false) && mender.isCurrent
        }
        let reader = try Reader(settings, clientID: "mender-test")
        defer { reader.close() }
        try reader.assign([Position(topic: topic, partition: 0, offset: 0)])
        try eventually("the record is committed") {
            if case .record(let record) = reader.poll(timeoutMilliseconds: 100) { return record.value == [1] }
            return false
        }
    }
}
