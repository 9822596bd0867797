// A file and the log beside it, as crashes and restored backups leave them.
import Foundation
import SQLite
import TestSupport
import Testing

@Suite struct LogTests {
    private let files = FileManager.default

    /// What a SIGKILL leaves: the file and its log as they are at the moment, under another name.
    private func crash(_ path: String, to other: String) throws {
        for suffix in ["", "-wal"] {
            try? files.removeItem(atPath: other + suffix)
            try files.copyItem(atPath: path + suffix, toPath: other + suffix)
        }
    }

    private func restore(_ backup: String, over path: String) throws {
        try files.removeItem(atPath: path)
        try files.copyItem(atPath: backup, toPath: path)
    }

    private func write(_ connection: Connection, rows: Int) throws {
        for _ in 0..<rows {
            try connection.transaction { try connection.execute("INSERT INTO t (v) VALUES (randomblob(3000))") }
        }
    }

    private func count(_ connection: Connection) throws -> Int64 {
        try connection.first("SELECT count(*) AS n FROM t")?.integer("n") ?? -1
    }

    private func open(_ path: String) throws -> Connection {
        let connection = try Connection(path: path)
        try connection.script("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v BLOB)")
        return connection
    }

    @Test func whatACrashLeavesBelongsTogether() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/a"
            let connection = try open(path)
            var rows: Int64 = 0
            // Before, between and after checkpoints.
            for written in [0, 1, 50, 4_000, 1, 700] {
                try write(connection, rows: written)
                rows += Int64(written)
                try crash(path, to: directory + "/crashed")
                let again = try Connection(path: directory + "/crashed")
                #expect(!again.hasForeignLog)
                #expect(try count(again) == rows)
                #expect(try again.integrityCheck().isEmpty)
                again.close()
            }
        }
    }

    @Test func theLogIsBroughtIntoTheFileNowAndThen() throws {
        try withTemporaryDirectory { directory in
            let connection = try open(directory + "/a")
            for _ in 0..<10 {
                try write(connection, rows: 500)
                let size = try files.attributesOfItem(atPath: directory + "/a-wal")[.size] as? Int
                #expect(try #require(size) < Connection.logBytesMax + (1 << 20))
            }
            #expect(try connection.integrityCheck().isEmpty)
        }
    }

    /// A copy made while the file was in use, put back after a crash.
    @Test func aCopyOfTheRunningFileIsFound() throws {
        try withTemporaryDirectory { directory in
            let (path, backup, crashed) = (directory + "/a", directory + "/backup", directory + "/crashed")
            let connection = try open(path)
            try write(connection, rows: 100)
            try files.copyItem(atPath: path, toPath: backup)
            try write(connection, rows: 4_000)
            try crash(path, to: crashed)
            try restore(backup, over: crashed)
            let mixture = try Connection(path: crashed, readOnly: true)
            #expect(mixture.hasForeignLog)
            #expect(try mixture.integrityCheck().contains { $0.contains("was not written for it") })
            mixture.close()
            // Closing a connection that could write makes it no better, or worse: it stays found.
            try Connection(path: crashed).close()
        }
    }

    /// A copy made while nothing ran, put back beside the log of a later life.
    @Test func aCopyOfAnEarlierLifeIsFound() throws {
        try withTemporaryDirectory { directory in
            let (path, backup, crashed) = (directory + "/a", directory + "/backup", directory + "/crashed")
            for life in 0..<3 {
                let connection = try open(path)
                try write(connection, rows: 20)
                connection.close()
                if life == 0 { try files.copyItem(atPath: path, toPath: backup) }
            }
            let connection = try open(path)
            try write(connection, rows: 1)
            try crash(path, to: crashed)
            try restore(backup, over: crashed)
            #expect(try Connection(path: crashed, readOnly: true).hasForeignLog)
            // And the other way round: today's file beside the log of yesterday.
            try restore(path, over: crashed)
            #expect(try !Connection(path: crashed, readOnly: true).hasForeignLog)
        }
    }

    /// The copy of the very state that the log goes on from is no mixture.
    @Test func aCopyOfTheStateBeforeTheLogIsRight() throws {
        try withTemporaryDirectory { directory in
            let (path, backup, crashed) = (directory + "/a", directory + "/backup", directory + "/crashed")
            let first = try open(path)
            try write(first, rows: 20)
            first.close()
            try files.copyItem(atPath: path, toPath: backup)
            let second = try open(path)
            try write(second, rows: 5)
            try crash(path, to: crashed)
            try restore(backup, over: crashed)
            let again = try Connection(path: crashed)
            #expect(!again.hasForeignLog)
            #expect(try count(again) == 25)
        }
    }
}
