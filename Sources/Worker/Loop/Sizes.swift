// Bounds on what one record may bring about. What is too large fails its record, like any other mistake in it; it must not
// get as far as a transaction, where it would end the process, and every process that reads the record again.
import Kafka
import Wire

extension WorkerLimits {
    /// Headers that travel on, into keys of rows and headers of other records.
    private static let idHeaders = [
        HeaderName.id, HeaderName.requester, HeaderName.correlation, HeaderName.causation, HeaderName.eventID,
    ]

    /// Throws a `Problem` that names the header.
    func checkIDs(_ headers: Headers) throws(Problem) {
        // All of them together are mostly shorter than one may be.
        guard headers.byteCount > idBytesMax else { return }
        for name in Self.idHeaders { try check(name, headers, bytesMax: idBytesMax, status: 400) }
        try check(HeaderName.path, headers, bytesMax: pathBytesMax, status: 414)
    }

    private func check(_ name: String, _ headers: Headers, bytesMax: Int, status: Int) throws(Problem) {
        guard let bytes = headers.byteCount(of: name), bytes > bytesMax else { return }
        throw Problem(status, "header '\(name)' has \(bytes) bytes, at most \(bytesMax) are taken")
    }
}

/// What a rule wrote is too much for the state topic.
struct RowTooLarge: Error, CustomStringConvertible {
    let table: String
    let bytes: Int
    let bytesMax: Int
    var description: String { "a row of \(table) would have \(bytes) bytes in the state topic, at most \(bytesMax)" }
}

extension WorkerLoop {
    /// Within the savepoint of a record, after its rule: nothing it wrote is larger than a state record may be.
    func checkRows(_ shard: Shard) throws {
        for change in try shard.store.takeLargeRows() {
            let record = StateRecords.record(
                change, columns: try shard.columns(of: change.table), topic: "", partition: shard.number,
                schema: shard.schema)
            guard record.byteCount <= limits.rowBytesMax else {
                throw RowTooLarge(table: change.table, bytes: record.byteCount, bytesMax: limits.rowBytesMax)
            }
        }
    }
}
