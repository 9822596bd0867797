// Shard files that are sound, damaged, emptied or no files at all, as the commands see them.
import Foundation
import Platform
import SQLite
import TestSupport
import Testing

@testable import Operations

@Suite struct ShardFileTests {
    private func file(_ directory: String, _ shard: Int32) -> ShardFile {
        ShardFile(instance: "store-0", shard: shard, path: "\(directory)/store-0/shard-0\(shard).sqlite")
    }

    /// A shard's file with some rows, as a worker leaves it.
    private func sound(_ directory: String, _ shard: Int32) throws -> ShardFile {
        let file = file(directory, shard)
        try FileSystem.makeDirectories(directory + "/store-0")
        let connection = try Connection(path: file.path)
        try connection.script(
            """
            CREATE TABLE runtime_local (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
            CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
            INSERT INTO runtime_local VALUES ('state_offset', '17'), ('committed', '1000');
            """)
        for _ in 0..<200 {
            try connection.execute(
                "INSERT INTO things (text) VALUES (?1)", [.text(String(repeating: "text", count: 100))])
        }
        connection.close()
        return file
    }

    private func overwrite(_ file: ShardFile, at offset: UInt64, with bytes: Data) throws {
        let handle = try #require(FileHandle(forWritingAtPath: file.path))
        try handle.seek(toOffset: offset)
        try handle.write(contentsOf: bytes)
        try handle.close()
    }

    private func shard(_ words: String..., in directory: String) -> Int32 {
        CommandLineTool.run(
            Sample.system, arguments: ["sample", "shard"] + words + ["--data-dir", directory + "/store-0"],
            settings: Settings([:]))
    }

    @Test func aSoundFileTellsOfItself() throws {
        try withTemporaryDirectory { directory in
            let file = try sound(directory, 1)
            let facts = try file.facts()
            #expect(facts.rows == 200 && facts.stateOffset == 17 && facts.committedMilliseconds == 1000)
            #expect(file.damage() == [])
            #expect(shard("list", in: directory) == 0)
            #expect(shard("check", in: directory) == 0)
        }
    }

    @Test func inAFolderThatIsNotThereNothingIsSound() throws {
        try withTemporaryDirectory { directory in
            #expect(shard("check", in: directory) == 1)
            #expect(shard("list", in: directory) == 1)
            try FileSystem.makeDirectories(directory + "/store-0")
            #expect(shard("check", in: directory) == 0)
        }
    }

    @Test func aDamagedFileIsExplainedWithoutStatements() throws {
        try withTemporaryDirectory { directory in
            let header = try sound(directory, 1)
            try overwrite(header, at: 0, with: Data(repeating: 1, count: 100))
            let page = try sound(directory, 2)
            try overwrite(page, at: 8192, with: Data(repeating: 0xFF, count: 8192))
            for file in [header, page] {
                #expect(!file.damage().isEmpty)
                do {
                    _ = try file.facts()
                    Issue.record("\(file.path) can be read")
                } catch {
                    let text = file.explain(error)
                    #expect(["file is not a database", "database disk image is malformed"].contains(text))
                }
                for text in file.damage() { #expect(!text.contains("PRAGMA") && !text.contains("\n")) }
            }
            _ = try sound(directory, 3)
            #expect(shard("list", in: directory) == 1)
            #expect(shard("list", "--json", in: directory) == 1)
            #expect(shard("check", in: directory) == 1)
        }
    }

    @Test(arguments: [0, 1])
    func aFileThatWasEmptiedIsNotSound(bytes: Int) throws {
        try withTemporaryDirectory { directory in
            let file = file(directory, 1)
            try FileSystem.makeDirectories(directory + "/store-0")
            try Data(repeating: 1, count: bytes).write(to: URL(fileURLWithPath: file.path))
            #expect(file.damage().count == 1)
            #expect(throws: (any Error).self) { try file.facts() }
        }
    }

    @Test func whatCannotBeRemovedIsNotCalledThrownAway() throws {
        try withTemporaryDirectory { directory in
            let folder = file(directory, 1)
            try FileSystem.makeDirectories(folder.path)
            #expect(folder.remove()?.contains(folder.path) == true)
            #expect(shard("rebuild", "store-0", in: directory) == 1)
            let file = try sound(directory, 2)
            #expect(shard("rebuild", "store-0", "2", in: directory) == 0)
            #expect(!FileSystem.exists(file.path))
        }
    }
}
