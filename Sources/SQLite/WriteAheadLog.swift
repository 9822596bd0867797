// The write-ahead log beside a database file. SQLite takes whatever log lies there: a backup of the file that is put back
// beside the log of its later life gives a mixture of both, and nothing in it says so. Hence a seal, a number in the
// header of the database (`user_version`): the file gets a new one before each new log, and every log begins with the page
// that has it. Where the file's own seal is not the one that is seen through the log, the two do not belong together.

internal import CSQLite
import Glibc

extension Connection {
    /// Brings the log into the file and begins a new one. Readers are tools, and nobody waits for them.
    public func checkpoint() throws(SQLiteError) {
        _ = unsafe sqlite3_busy_timeout(handle, 0)
        defer { _ = unsafe sqlite3_busy_timeout(handle, Connection.busyTimeoutMilliseconds) }
        let seal = Self.newSeal()
        try setSeal(seal)
        if let row = try first("PRAGMA wal_checkpoint(TRUNCATE)"), try row.integer("busy") != 0 {
            throw SQLiteError(code: SQLITE_BUSY, message: "somebody reads the file, the log stays")
        }
        try setSeal(seal)
    }

    /// After a commit. As with SQLite's own checkpoints, one that fails is tried again after the next commit.
    func checkpointIfLong() {
        if logBytes > Connection.logBytesMax { try? checkpoint() }
    }

    /// A file that has never held anything gets its seal before there is a log. What a power cut takes of it is nothing.
    func sealIfEmpty() throws(SQLiteError) {
        guard try first("PRAGMA page_count")?.values.first == .integer(0) else { return }
        try script("PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; PRAGMA user_version=\(Self.newSeal())")
    }

    /// The log of this connection begins with the seal of the file.
    func beginLog() throws(SQLiteError) {
        let seal = try seal()
        // A file from before there were seals.
        if seal == 0 { try checkpoint() } else { try setSeal(seal) }
    }

    /// The last connection to close brings the log into the file, which is then another file.
    func endLog() {
        if logBytes > 0 && !isInTransaction { try? setSeal(Self.newSeal()) }
    }

    /// Whether the log beside the file was written for another state of it.
    func findForeignLog() throws(SQLiteError) -> Bool {
        guard let own = sealOfFile() else { return false }
        return try seal() != own
    }

    private func seal() throws(SQLiteError) -> Int32 {
        guard case .integer(let seal)? = try first("PRAGMA user_version")?.values.first else { return 0 }
        return Int32(truncatingIfNeeded: seal)
    }

    /// Written even if it is the same: the page is to be in the log.
    private func setSeal(_ seal: Int32) throws(SQLiteError) { try script("PRAGMA user_version=\(seal)") }

    private static func newSeal() -> Int32 { Int32.random(in: 1...Int32.max) }

    /// The seal in the file itself, whatever the log has: four bytes of the header, the highest first.
    private func sealOfFile() -> Int32? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { Glibc.close(file) }
        var seal = UInt32(0)
        guard unsafe pread(file, &seal, 4, 60) == 4 else { return nil }
        return Int32(bitPattern: UInt32(bigEndian: seal))
    }

    private var logBytes: Int {
        var status = stat()
        return unsafe stat(path + "-wal", &status) == 0 ? Int(status.st_size) : 0
    }
}
