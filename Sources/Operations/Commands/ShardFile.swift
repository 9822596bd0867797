// A shard's file as the commands see it: where it is, what it says about itself, and what is wrong with it.
import Glibc
import Platform
import SQLite
import Worker

struct ShardFile {
    let instance: String
    let shard: Int32
    let path: String

    var bytes: Int64 { FileSystem.size(path) + FileSystem.size(path + "-wal") }

    /// What the file says about itself; a damaged one throws.
    func facts() throws -> ShardFacts {
        let file = try Connection(path: path, readOnly: true)
        defer { file.close() }
        if let problem = try foreign(file) { throw Failure(problem) }
        return try ShardFacts(file)
    }

    /// What is wrong with it, read from the first page to the last; empty when all is well.
    func damage() -> [String] {
        do {
            let file = try Connection(path: path, readOnly: true)
            defer { file.close() }
            let damage = try file.integrityCheck()
            return try damage.isEmpty ? foreign(file).map { [$0] } ?? [] : damage.map(inOneLine)
        } catch {
            return [explain(error)]
        }
    }

    /// A person is told what SQLite found, not the statement that found it.
    func explain(_ error: any Error) -> String {
        guard let error = error as? SQLiteError else { return String(describing: error) }
        // Whoever prints this has named the file already.
        let place = ": " + path
        return inOneLine(error.message.hasSuffix(place) ? String(error.message.dropLast(place.count)) : error.message)
    }

    /// Nil when the file is gone, with what SQLite keeps beside it; else why it is still there.
    func remove() -> String? {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { return SystemError("remove", path).description }
        FileSystem.removeDatabase(path)
        return nil
    }

    /// SQLite takes an empty file for a database without tables; a shard always has the kit's own.
    private func foreign(_ file: Connection) throws -> String? {
        let own = try file.first(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ?1", [.text(ShardFacts.localTable)])
        return own == nil ? "no shard is in it" : nil
    }

    private func inOneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: ", ")
    }
}

/// What a shard's file says about itself.
struct ShardFacts {
    static let localTable = "runtime_local"

    let rows: Int64
    let committedMilliseconds: Int64?
    let stateOffset: Int64?

    fileprivate init(_ file: Connection) throws {
        let tables = try file.query(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> ?1",
            [.text(Self.localTable)])
        var rows: Int64 = 0
        for table in tables {
            let name = quoted(try table.text("name"))
            rows += try file.first("SELECT count(*) AS number FROM \(name)")?.integer("number") ?? 0
        }
        self.rows = rows
        func local(_ name: String) throws -> Int64? {
            try file.first("SELECT value FROM \(Self.localTable) WHERE name = ?1", [.text(name)]).flatMap {
                Int64(try $0.text("value"))
            }
        }
        committedMilliseconds = try local("committed")
        stateOffset = try local("state_offset")
    }
}
