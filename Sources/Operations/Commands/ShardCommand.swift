// `shard`: the files behind the shards of this machine. They are copies of what Kafka has; throwing one away is safe.
import Glibc
import Platform
import SQLite
import Wire

enum ShardCommand {
    private static let options = [
        Command.Option.value("data-dir", "DIR", "of one worker (default all under the run directory)"),
        Up.runDirOption,
    ]

    static let commands = [
        Command(
            name: "shard list", summary: "The shard files of this machine",
            options: options + [.flag("json", "for a script")],
            example: "shard list", run: list),
        Command(
            name: "shard check", summary: "Check shard files from the first page to the last", options: options,
            example: "shard check --data-dir .run/data/order-0", run: check),
        Command(
            name: "shard rebuild", summary: "Throw shard files away; their worker restores them from Kafka",
            options: options,
            positionals: [
                Command.Positional(name: "INSTANCE", summary: "whose files, as in order-0"),
                Command.Positional(name: "SHARD", summary: "which one (default all)", isOptional: true),
            ], example: "shard rebuild order-0 3", run: rebuild),
    ]

    private struct File {
        let instance: String
        let shard: Int32
        let path: String
    }

    private static func files(_ call: Invocation) -> [File] {
        let run = RunDirectory(call)
        let single = call.value("data-dir") ?? call.settings.text("DATA_DIR")
        let folders = single.map { [$0] } ?? FileSystem.list(run.path + "/data").map { run.data($0) }
        return folders.flatMap { folder in
            FileSystem.list(folder).compactMap { name in
                guard name.hasPrefix("shard-"), name.hasSuffix(".sqlite"),
                    let shard = Int32(name.dropFirst("shard-".count).dropLast(".sqlite".count))
                else { return nil }
                let instance = folder.split(separator: "/").last.map(String.init) ?? folder
                return File(instance: instance, shard: shard, path: folder + "/" + name)
            }
        }
    }

    private static func list(_ call: Invocation) throws -> Int32 {
        var table = Table(["instance", " shard", " rows", " size", "last change", " state offset"])
        for file in files(call) {
            let facts = try ShardFacts(path: file.path)
            if call.has("json") {
                Terminal.print(
                    JSON.object([
                        "instance": .string(file.instance), "shard": .integer(Int64(file.shard)),
                        "path": .string(file.path), "rows": .integer(facts.rows), "bytes": .integer(facts.bytes),
                        "committed": JSON(facts.committedMilliseconds), "stateOffset": JSON(facts.stateOffset),
                    ]).text)
            }
            table.add([
                file.instance, String(file.shard), String(facts.rows), Readable.size(bytes: facts.bytes),
                facts.committedMilliseconds.map { UTCTime(wallMilliseconds: $0).rfc3339 } ?? "-",
                facts.stateOffset.map { String($0) } ?? "-",
            ])
        }
        if !call.has("json") { table.lines(Style(settings: call.settings)).forEach(Terminal.print) }
        return 0
    }

    private static func check(_ call: Invocation) throws -> Int32 {
        let files = files(call)
        var damaged = 0
        for file in files {
            let problems: [String]
            do {
                problems = try Connection(path: file.path, readOnly: true).integrityCheck()
            } catch {
                problems = [String(describing: error)]
            }
            guard !problems.isEmpty else { continue }
            damaged += 1
            Terminal.print("\(file.path): \(problems.joined(separator: "; "))")
        }
        Terminal.print(
            damaged == 0
                ? "\(Readable.count(files.count, "shard file")), all sound"
                : "\(damaged) of \(Readable.count(files.count, "shard file")) damaged; 'shard rebuild' restores them from Kafka"
        )
        return damaged == 0 ? 0 : 1
    }

    private static func rebuild(_ call: Invocation) throws -> Int32 {
        let instance = call.positionals[0]
        let shard = try call.positionals.dropFirst().first.map {
            try Invocation.integer($0, called: "SHARD", in: 0...Int64(Int32.max))
        }
        let chosen = files(call).filter { $0.instance == instance && (shard == nil || Int64($0.shard) == shard) }
        guard !chosen.isEmpty else {
            throw Failure("\(instance) has no such shard file here; 'shard list' shows those there are")
        }
        for file in chosen { FileSystem.removeDatabase(file.path) }
        let run = RunDirectory(call)
        var restarted = ""
        // A worker that runs has the files open; a fresh one restores them. Its supervisor starts it again.
        if let pid = Leftovers.pid(of: instance, run), ProcessFacts.runs(instance, of: run, pid: pid) {
            kill(pid, SIGKILL)
            restarted = "; \(instance) is restarted and restores"
        }
        Terminal.print("threw away \(Readable.count(chosen.count, "shard file"))\(restarted)")
        return 0
    }
}

/// What a shard's file says about itself.
private struct ShardFacts {
    let rows: Int64
    let bytes: Int64
    let committedMilliseconds: Int64?
    let stateOffset: Int64?

    init(path: String) throws {
        let file = try Connection(path: path, readOnly: true)
        defer { file.close() }
        let tables = try file.query(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'runtime_local'"
        )
        var rows: Int64 = 0
        for table in tables {
            let name = try table.text("name").split(separator: "\"").joined(separator: "\"\"")
            rows += try file.first("SELECT count(*) AS number FROM \"\(name)\"")?.integer("number") ?? 0
        }
        self.rows = rows
        bytes = FileSystem.size(path) + FileSystem.size(path + "-wal")
        func local(_ name: String) throws -> Int64? {
            try file.first("SELECT value FROM runtime_local WHERE name = ?1", [.text(name)]).flatMap {
                Int64(try $0.text("value"))
            }
        }
        committedMilliseconds = try local("committed")
        stateOffset = try local("state_offset")
    }
}
