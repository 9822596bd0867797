// A record that no handler could process, and what may become of it: put back, or forgotten.
package import Kafka
import Platform
import Wire
import Worker

package struct DeadLetter: Sendable {
    package let record: Record

    /// Its place on the topic of the dead letters.
    package var number: Int64 { record.offset }
    package var reason: String { record.header(HeaderName.deadReason) ?? "-" }
    package var service: String { record.header(HeaderName.deadService) ?? "-" }
    package var time: String { record.header(HeaderName.deadTime) ?? "-" }

    /// Too large to be kept: only that it was there is known.
    package var isWithoutContent: Bool { record.value == nil && record.header(HeaderName.deadBytes) != nil }

    /// Where it was when it could not be processed.
    package var origin: Position? {
        guard let topic = record.header(HeaderName.deadTopic),
            let partition = record.header(HeaderName.deadPartition).flatMap({ Int32($0) })
        else { return nil }
        return Position(
            topic: topic, partition: partition,
            offset: record.header(HeaderName.deadOffset).flatMap { Int64($0) } ?? -1)
    }
}

/// Settles dead letters, each once: the record that goes back and the note that it did are one transaction, and only
/// one such producer can be at work.
final class Settlement {
    /// On the notes: the number of the letter that is settled.
    static let header = "settles"
    /// A request put back is given this long to be answered; its caller has gone, its effect is wanted.
    private static let deadlineMilliseconds: Int64 = 60_000
    private static let callMilliseconds: Int32 = 30_000
    private static let addedHeaders: Set = [
        HeaderName.deadTopic, HeaderName.deadPartition, HeaderName.deadOffset, HeaderName.deadReason,
        HeaderName.deadTime, HeaderName.deadService, HeaderName.forService,
    ]

    private let topic: String
    private let producer: TransactionalProducer

    init(topic: String, kafka: KafkaSettings) throws(KafkaError) {
        self.topic = topic
        producer = try TransactionalProducer(kafka, transactionalID: topic)
        try producer.initialise(timeoutMilliseconds: Self.callMilliseconds)
    }

    /// Throws a `Failure` when this letter cannot be settled and others may be; any other error would meet all of them.
    func settle(_ letter: DeadLetter, putBack: Bool) throws {
        let original = putBack ? try Self.original(of: letter) : nil
        let note = OutgoingRecord(
            topic: topic, partition: letter.record.partition, key: nil, value: nil,
            headers: [Header(Self.header, String(letter.number))])
        try producer.begin()
        do throws(KafkaError) {
            if let original { try producer.send(original) }
            try producer.send(note)
            try producer.commit(timeoutMilliseconds: Self.callMilliseconds)
        } catch {
            // The broker does not take the record: its topic or partition is gone, or takes none of this size any more.
            guard error.remedy == .abort || error.remedy == .fixConfiguration else { throw error }
            try producer.abort(timeoutMilliseconds: Self.callMilliseconds)
            throw Failure("\(error)")
        }
    }

    /// The record as it goes back.
    static func original(of letter: DeadLetter) throws(Failure) -> OutgoingRecord {
        guard let origin = letter.origin else {
            throw Failure("it does not say where it came from; drop it")
        }
        guard !letter.isWithoutContent else {
            throw Failure("it was too large to be kept, only that it was there is known; drop it")
        }
        return OutgoingRecord(
            topic: origin.topic, partition: origin.partition, key: letter.record.key, value: letter.record.value,
            headers: Headers(originalHeaders(letter.record)) + addressee(letter))
    }

    /// An event lies on a topic that all services read: those that have handled it must not do so again.
    private static func addressee(_ letter: DeadLetter) -> [Header] {
        letter.record.header(HeaderName.deadService).map { [Header(HeaderName.forService, $0)] } ?? []
    }

    private static func originalHeaders(_ record: Record) -> [Header] {
        record.headers.all.filter { !addedHeaders.contains($0.name) }.map { header in
            header.name == HeaderName.deadline
                ? Header(HeaderName.deadline, String(Clock.wallMilliseconds() + deadlineMilliseconds)) : header
        }
    }
}
