// The broker's own memory on disk: topics, groups, offsets, producer ids and transactions, one entry a change.
// An entry is whole or absent; what comes after a damaged one was never acknowledged and is cut off. One that is whole but
// says what nobody understands is no damage: it is of another version, and what follows it is as true as ever.
import Glibc
import Platform

enum JournalKind: Int8 {
    case topicCreated = 1
    case topicDeleted = 2
    case producerIdsReserved = 4
    case transaction = 5
    case transactionPartitions = 6
    case transactionGroup = 7
    case transactionOffsets = 8
    case transactionDecided = 9
    case transactionForgotten = 10
    case groupOffsets = 11
    case groupMembers = 12
    case groupForgotten = 13
}

final class Journal {
    private static let frameBytes = 8
    /// Larger entries do not exist; a length beyond it is damage.
    private static let maximumEntryBytes = 64 * 1024 * 1024

    private let path: String
    private var file: LogFile
    private(set) var size = 0
    /// The size right after the last compaction: what the state itself takes.
    private(set) var compactedSize = 0

    init(path: String) throws(StorageError) {
        self.path = path
        FileSystem.remove(path + ".new")
        file = try LogFile(path: path, create: true)
    }

    /// Reads every entry in order; called once, before anything is written. With an entry it cannot read the broker does not
    /// start and the file stays as it is: to go on without it would throw away topics and their logs.
    func replay(_ apply: (JournalKind, inout ByteReader) throws(MalformedRequest) -> Void) throws {
        let bytes = try file.read(at: 0, count: try file.size())
        var position = 0
        while let content = Journal.content(bytes, at: position) {
            var reader = ByteReader(bytes, range: content)
            do {
                let code = try reader.int8()
                guard let kind = JournalKind(rawValue: code) else { throw MalformedRequest("unknown kind \(code)") }
                try apply(kind, &reader)
            } catch {
                throw BrokerStartError(
                    description: "\(path) holds an entry this version cannot read, at byte \(position): \(error)")
            }
            position = content.upperBound
        }
        if position < bytes.count {
            // What a crash tears is the last entry. With whole ones behind it this is other damage, and they were acknowledged.
            guard !(position + 1..<bytes.count).contains(where: { Journal.isEntry(bytes, at: $0) }) else {
                throw BrokerStartError(
                    description: "\(path) is damaged at byte \(position), before entries that are whole")
            }
            try file.truncate(to: position)
        }
        size = position
        compactedSize = position
    }

    /// Where the content of the whole entry lies that begins here, if one does.
    private static func content(_ bytes: [UInt8], at position: Int) -> Range<Int>? {
        guard bytes.count - position >= frameBytes else { return nil }
        let length = Int(bigEndian(bytes, position, 4))
        let start = position + frameBytes
        guard length > 0, length <= maximumEntryBytes, length <= bytes.count - start else { return nil }
        let crc = UInt32(truncatingIfNeeded: bigEndian(bytes, position + 4, 4))
        return Crc32c.of(bytes, start..<start + length) == crc ? start..<start + length : nil
    }

    /// Looks at the kind first: a checksum of many bytes at every place would take its time.
    private static func isEntry(_ bytes: [UInt8], at position: Int) -> Bool {
        let start = position + frameBytes
        guard start < bytes.count, JournalKind(rawValue: Int8(bitPattern: bytes[start])) != nil else { return false }
        return content(bytes, at: position) != nil
    }

    static func entry(_ kind: JournalKind, _ write: (inout ByteWriter) -> Void) -> ByteWriter {
        var writer = ByteWriter(capacity: 128)
        writer.int64(0)
        writer.int8(kind.rawValue)
        write(&writer)
        writer.patch32(at: 0, Int32(clamping: writer.bytes.count - frameBytes))
        writer.patch32(at: 4, Int32(bitPattern: Crc32c.of(writer.bytes, frameBytes..<writer.bytes.count)))
        return writer
    }

    /// Writes an entry; when it cannot be written nothing has changed.
    func append(_ kind: JournalKind, _ write: (inout ByteWriter) -> Void) throws(StorageError) {
        let entry = Journal.entry(kind, write)
        try checkSize(entry)
        try file.write(entry.bytes, 0..<entry.bytes.count, at: size)
        size += entry.bytes.count
    }

    /// A start would take a larger one for damage and cut off all that follows.
    private func checkSize(_ entry: ByteWriter) throws(StorageError) {
        guard entry.bytes.count - Journal.frameBytes <= Journal.maximumEntryBytes else {
            throw StorageError("write", path, code: EFBIG)
        }
    }

    /// Replaces the history by the state it led to.
    func compact(_ entries: [ByteWriter]) throws(StorageError) {
        let fresh = try LogFile(path: path + ".new", create: true)
        try fresh.truncate(to: 0)
        var position = 0
        for entry in entries {
            try checkSize(entry)
            try fresh.write(entry.bytes, 0..<entry.bytes.count, at: position)
            position += entry.bytes.count
        }
        try FileSystem.rename(path + ".new", to: path)
        file = fresh
        size = position
        compactedSize = position
    }
}
