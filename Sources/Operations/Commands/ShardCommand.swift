// `shard`: the files behind the shards of this machine. They are copies of what Kafka has; throwing one away is safe.
import Glibc
import Platform
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
            name: "shard check", summary: "Check shard files from the first page to the last",
            options: options + [.flag("json", "for a script")],
            example: "shard check --data-dir .run/data/order-0", run: check),
        Command(
            name: "shard rebuild", summary: "Throw shard files away; their worker restores them from Kafka",
            options: options,
            positionals: [
                Command.Positional(name: "INSTANCE", summary: "whose files, as in order-0"),
                Command.Positional(name: "SHARD", summary: "which one (default all)", isOptional: true),
            ], example: "shard rebuild order-0 3", run: rebuild),
    ]

    private static func files(_ call: Invocation) throws(Failure) -> [ShardFile] {
        let run = RunDirectory(call)
        let single = call.value("data-dir") ?? call.settings.text("DATA_DIR")
        // In a folder that is not there all files would be sound.
        let folder = single ?? run.path + "/data"
        guard FileSystem.exists(folder) else { throw Failure("there is no folder \(folder)") }
        let folders = single.map { [$0] } ?? FileSystem.list(folder).map { run.data($0) }
        return folders.flatMap { folder in
            FileSystem.list(folder).compactMap { name in
                guard name.hasPrefix("shard-"), name.hasSuffix(".sqlite"),
                    let shard = Int32(name.dropFirst("shard-".count).dropLast(".sqlite".count))
                else { return nil }
                let instance = folder.split(separator: "/").last.map(String.init) ?? folder
                return ShardFile(instance: instance, shard: shard, path: folder + "/" + name)
            }
        }
    }

    /// A damaged file has a row, too: which one it is is what one wants to know of it.
    private static func list(_ call: Invocation) throws -> Int32 {
        var table = Table(["instance", " shard", " rows", " size", "last change", " state offset"])
        var damage: [String] = []
        for file in try files(call) {
            let (facts, problem) = read(file)
            if let problem { damage.append("\(file.path): \(problem)") }
            if call.has("json") { Terminal.print(json(file, facts, problem).text) }
            table.add([
                file.instance, String(file.shard), facts.map { String($0.rows) } ?? "unreadable",
                Readable.size(bytes: file.bytes),
                facts?.committedMilliseconds.map { UTCTime(wallMilliseconds: $0).rfc3339 } ?? "-",
                facts?.stateOffset.map { String($0) } ?? "-",
            ])
        }
        if !call.has("json") {
            table.lines(Style(settings: call.settings)).forEach(Terminal.print)
            damage.forEach(Terminal.complain)
            if !damage.isEmpty { Terminal.complain("'shard rebuild' restores damaged files from Kafka") }
        }
        return damage.isEmpty ? 0 : 1
    }

    private static func read(_ file: ShardFile) -> (facts: ShardFacts?, problem: String?) {
        do { return (try file.facts(), nil) } catch { return (nil, file.explain(error)) }
    }

    private static func json(_ file: ShardFile, _ facts: ShardFacts?, _ problem: String?) -> JSON {
        [
            "instance": .string(file.instance), "shard": .integer(Int64(file.shard)), "path": .string(file.path),
            "rows": JSON(facts?.rows), "bytes": .integer(file.bytes), "committed": JSON(facts?.committedMilliseconds),
            "stateOffset": JSON(facts?.stateOffset), "problem": JSON(problem),
        ]
    }

    private static func check(_ call: Invocation) throws -> Int32 {
        let files = try files(call)
        var damaged = 0
        for file in files {
            let damage = file.damage()
            if call.has("json") { Terminal.print(json(file, damage).text) }
            guard !damage.isEmpty else { continue }
            damaged += 1
            if !call.has("json") { Terminal.print("\(file.path): \(damage.joined(separator: "; "))") }
        }
        if !call.has("json") { Terminal.print(verdict(damaged, of: files.count)) }
        return damaged == 0 ? 0 : 1
    }

    private static func json(_ file: ShardFile, _ damage: [String]) -> JSON {
        [
            "instance": .string(file.instance), "shard": .integer(Int64(file.shard)), "path": .string(file.path),
            "problems": .array(damage.map { .string($0) }),
        ]
    }

    private static func verdict(_ damaged: Int, of count: Int) -> String {
        damaged == 0
            ? "\(Readable.count(count, "shard file")), all sound"
            : "\(damaged) of \(Readable.count(count, "shard file")) damaged; 'shard rebuild' restores them from Kafka"
    }

    private static func rebuild(_ call: Invocation) throws -> Int32 {
        let instance = call.positionals[0]
        let shard = try call.positionals.dropFirst().first.map {
            try Invocation.integer($0, called: "SHARD", in: 0...Int64(Int32.max))
        }
        let chosen = try files(call).filter { $0.instance == instance && (shard == nil || Int64($0.shard) == shard) }
        guard !chosen.isEmpty else {
            throw Failure("\(instance) has no such shard file here; 'shard list' shows those there are")
        }
        let failures = chosen.compactMap { $0.remove() }
        let run = RunDirectory(call)
        var restarted = ""
        // A worker that runs has the files open; a fresh one restores them. Its supervisor starts it again.
        if failures.count < chosen.count, let pid = Leftovers.pid(of: instance, run),
            ProcessFacts.runs(instance, of: run, pid: pid)
        {
            kill(pid, SIGKILL)
            restarted = "; \(instance) is restarted and restores"
        }
        failures.forEach(Terminal.complain)
        Terminal.print("threw away \(Readable.count(chosen.count - failures.count, "shard file"))\(restarted)")
        return failures.isEmpty ? 0 : 1
    }
}
