// What happens to files: processes killed in the middle, damage, a full disk.
import Foundation
import SQLite
import TestSupport
import Testing

@Suite struct FileTests {
    @Test func aReopenedFileHasWhatWasCommitted() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/a.db"
            let connection = try Connection(path: path)
            try connection.script("CREATE TABLE t (id INTEGER PRIMARY KEY)")
            try connection.execute("INSERT INTO t VALUES (1)")
            try connection.begin()
            try connection.execute("INSERT INTO t VALUES (2)")
            // A killed process leaves the file and its WAL just so: copied while the transaction is open.
            for file in try FileManager.default.contentsOfDirectory(atPath: directory) where !file.hasSuffix("-shm") {
                try FileManager.default.copyItem(
                    atPath: directory + "/" + file, toPath: directory + "/" + "killed" + file.dropFirst(1))
            }
            connection.rollback()
            let reopened = try Connection(path: directory + "/killed.db")
            #expect(try reopened.query("SELECT id FROM t").map(\.values) == [[1]])
            #expect(try reopened.integrityCheck().isEmpty)
        }
    }

    /// Another process writes as fast as it can and is killed by SIGKILL in the middle.
    @Test func aKilledWriterLosesNothingItHasCommitted() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/a.db"
            let connection = try Connection(path: path)
            try connection.script("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
            // One process, killed by its own pid: of a pipeline the rest would live on where SIGPIPE is ignored.
            let script = directory + "/inserts.sql"
            let insert = "INSERT INTO t (v) VALUES (randomblob(2000)); SELECT last_insert_rowid();\n"
            try Data(String(repeating: insert, count: 100_000).utf8).write(to: URL(fileURLWithPath: script))
            let writer = Process()
            writer.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            writer.arguments = ["sqlite3", path]
            writer.standardInput = FileHandle(forReadingAtPath: script)
            let pipe = Pipe()
            writer.standardOutput = pipe
            try writer.runLeashed()
            var acknowledged = 0
            var tail = ""
            while acknowledged < 200 {
                tail += String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
                let lines = tail.split(separator: "\n", omittingEmptySubsequences: false)
                acknowledged = lines.dropLast().compactMap { Int($0) }.last ?? acknowledged
                tail = String(lines.last ?? "")
            }
            kill(writer.processIdentifier, SIGKILL)
            writer.waitUntilExit()
            try eventually { (try? connection.execute("BEGIN IMMEDIATE")) != nil }
            connection.rollback()
            let row = try connection.first("SELECT count(*) AS n, max(id) AS m FROM t")
            #expect(try (row?.integer("n") ?? 0) >= Int64(acknowledged))
            #expect(try row?.integer("n") == row?.integer("m"))
            #expect(try connection.integrityCheck().isEmpty)
        }
    }

    @Test func whatIsNoDatabaseIsRefused() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/a.db"
            try Data(repeating: 0x41, count: 10_000).write(to: URL(fileURLWithPath: path))
            #expect { try Connection(path: path) } throws: {
                ($0 as? SQLiteError)?.isCorrupt == true && "\($0)".contains(path)
            }
        }
    }

    @Test func damageIsFoundByTheCheck() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/a.db"
            do {
                let connection = try Connection(path: path)
                try connection.script("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX i ON t (v)")
                try connection.transaction {
                    for number in 0..<2_000 {
                        try connection.execute("INSERT INTO t (v) VALUES (?)", [.text("row \(number)")])
                    }
                }
                #expect(try connection.integrityCheck().isEmpty)
                #expect(try connection.integrityCheck(quick: true).isEmpty)
                try connection.checkpoint()
                connection.close()
            }
            let file = try #require(FileHandle(forUpdatingAtPath: path))
            try file.seek(toOffset: 3 * 4096)
            file.write(Data(repeating: 0xee, count: 4096))
            try file.close()
            let damaged = try Connection(path: path)
            do {
                #expect(try !damaged.integrityCheck().isEmpty)
            } catch let error as SQLiteError {
                #expect(error.isCorrupt)
            }
        }
    }

    @Test func foreignKeysAreCheckedToo() throws {
        let connection = try Connection(path: ":memory:")
        try connection.script(
            """
            PRAGMA foreign_keys=OFF;
            CREATE TABLE p (id INTEGER PRIMARY KEY);
            CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p);
            INSERT INTO c VALUES (1, 9);
            """)
        #expect(try connection.integrityCheck().count == 1)
    }

    private static let canMount: Bool = {
        let mounted = try? withTemporaryDirectory { directory in
            guard mount("tmpfs", directory, "tmpfs", 0, "size=64k") == 0 else { return false }
            return umount2(directory, Int32(MNT_DETACH)) == 0
        }
        return mounted ?? false
    }()

    /// A file system of 2 MiB of its own, which only root may have.
    @Test(.enabled(if: FileTests.canMount, "needs the right to mount a small file system"))
    func aFullDiskIsAnErrorAndDoesNoDamage() throws {
        try withTemporaryDirectory { directory in
            try #require(mount("tmpfs", directory, "tmpfs", 0, "size=2m") == 0)
            defer { umount2(directory, Int32(MNT_DETACH)) }
            let connection = try Connection(path: directory + "/a.db")
            try connection.script("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
            try connection.startCapture()
            try connection.execute("INSERT INTO t (v) VALUES ('kept')")
            _ = try connection.takeChanges()
            var full: SQLiteError?
            do {
                try connection.transaction {
                    for _ in 0..<2_000 { try connection.execute("INSERT INTO t (v) VALUES (randomblob(4000))") }
                }
            } catch let error as SQLiteError { full = error }
            #expect(full?.isFull == true, "\(String(describing: full))")
            #expect(!connection.isInTransaction)
            #expect(try connection.takeChanges().isEmpty)
            #expect(try connection.query("SELECT v FROM t").map(\.values) == [["kept"]])
            #expect(try connection.integrityCheck().isEmpty)
            // Once there is room again it goes on as if nothing had been.
            try #require(mount("tmpfs", directory, "tmpfs", UInt(MS_REMOUNT), "size=8m") == 0)
            try connection.checkpoint()
            try connection.execute("INSERT INTO t (v) VALUES ('more')")
        }
    }
}
