// Dead letters that go back: what of them goes back, and which cannot.
import Kafka
import Testing
import Worker

@testable import Operations

@Suite struct DeadLetterTests {
    private func letter(value: [UInt8]? = Array("{}".utf8), _ headers: Headers) -> DeadLetter {
        DeadLetter(
            record: Record(
                topic: "sample.dead-letters", partition: 0, offset: 7, timestampMilliseconds: 0, key: nil, value: value,
                headers: headers))
    }

    private let origin: Headers = [
        Header(HeaderName.deadTopic, "sample"), Header(HeaderName.deadPartition, "3"),
        Header(HeaderName.deadOffset, "9"), Header(HeaderName.deadReason, "why"), Header(HeaderName.deadTime, "then"),
        Header(HeaderName.deadService, "store"),
    ]

    @Test func aRecordGoesBackWithItsOwnHeaders() throws {
        let record = try Settlement.original(of: letter([Header("name", "a")] + origin.all))
        #expect(record.topic == "sample" && record.partition == 3 && record.value == Array("{}".utf8))
        #expect(record.headers.text("name") == "a" && record.headers.text(HeaderName.deadReason) == nil)
    }

    /// Again and again, where it fails again: one addressee, the last that could not handle it.
    @Test func itIsForTheServiceThatCouldNotHandleIt() throws {
        var headers = origin
        for _ in 0..<3 {
            let record = try Settlement.original(of: letter(headers))
            #expect(record.headers.all == [Header(HeaderName.forService, "store")])
            headers = record.headers + origin.all
        }
    }

    @Test func whatWasNotKeptCannotGoBack() {
        #expect(throws: Failure.self) {
            try Settlement.original(of: letter(value: nil, origin + [Header(HeaderName.deadBytes, "9000000")]))
        }
        #expect(throws: Failure.self) { try Settlement.original(of: letter([Header("name", "a")])) }
        // A tombstone is no content, and was kept.
        #expect(throws: Never.self) { try Settlement.original(of: letter(value: nil, origin)) }
    }
}
