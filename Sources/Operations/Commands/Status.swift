// `status`: what runs here, and how it is.
import Platform
import Wire

enum Status {
    static let command = Command(
        name: "status", summary: "What runs: process, uptime, restarts, shards, lag, memory",
        options: [.flag("json", "for a script"), Up.runDirOption], example: "status --json", run: run)

    private struct Row {
        let instance: RunningSystem.Instance
        let facts: ProcessFacts?
        let heartbeat: Heartbeat?
    }

    private static func run(_ call: Invocation) throws -> Int32 {
        let run = RunDirectory(call)
        guard let running = RunningSystem(run) else { throw nothingToTell(call, run) }
        let rows = running.instances.map { instance in
            Row(
                instance: instance, facts: instance.pid.map { ProcessFacts($0) },
                heartbeat: Heartbeat(path: run.healthFile(instance.name)))
        }
        if call.has("json") {
            Terminal.print(json(running, rows).prettyText)
        } else {
            table(rows).lines(Style(settings: call.settings)).forEach(Terminal.print)
        }
        return rows.allSatisfy { $0.facts?.isAlive == true } ? 0 : 1
    }

    private static func nothingToTell(_ call: Invocation, _ run: RunDirectory) -> Failure {
        if let supervisor = SupervisorLock.holder(run) {
            return Failure("what is in \(run.path) starts or stops just now (supervisor \(supervisor)); ask again")
        }
        return Failure(
            "nothing runs in \(run.path); '\(call.system.executable) up\(run.option(call.settings))' starts it")
    }

    private static func table(_ rows: [Row]) -> Table {
        var table = Table(["instance", " pid", " uptime", " restarts", " shards", " lag", " memory", "where"])
        for row in rows {
            let facts = row.facts.flatMap { $0.isAlive ? $0 : nil }
            table.add([
                row.instance.name, facts.map { String($0.pid) } ?? "down",
                facts.map { Readable.duration(milliseconds: $0.uptimeMilliseconds) } ?? "-",
                String(row.instance.restarts), row.heartbeat.map { String($0.shards) } ?? "-",
                row.heartbeat?.lag.map { String($0) } ?? "-",
                facts.map { Readable.size(bytes: $0.residentBytes) } ?? "-", row.instance.place,
            ])
        }
        return table
    }

    private static func json(_ running: RunningSystem, _ rows: [Row]) -> JSON {
        [
            "supervisor": .integer(Int64(running.supervisor)), "broker": .string(running.broker),
            "bootstrap": .string(running.bootstrap),
            "instances": .array(
                rows.map { row in
                    [
                        "instance": .string(row.instance.name), "pid": JSON(row.instance.pid.map(Int64.init)),
                        "alive": .bool(row.facts?.isAlive ?? false),
                        "uptimeMilliseconds": JSON(row.facts?.uptimeMilliseconds),
                        "restarts": .integer(row.instance.restarts), "shards": JSON(row.heartbeat?.shards),
                        "lag": JSON(row.heartbeat?.lag), "memoryBytes": JSON(row.facts?.residentBytes),
                        "ready": row.heartbeat.map { .bool($0.isReady) } ?? .null, "url": .string(row.instance.place),
                    ]
                }),
        ]
    }
}
