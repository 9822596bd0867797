// `health`: the probe of a process without a port. It reads what the process says about itself, and how long ago.
import Platform
import Wire

enum Health {
    static let command = Command(
        name: "health", summary: "Probe of a worker: exit status 0 when it is live, or ready",
        options: [
            .value("url", "URL", "ask a process with a port there instead; 2xx is well"),
            .value("data-dir", "DIR", "of the worker (default DATA_DIR, else .run/data/INSTANCE)"),
            .value("instance", "NAME", "of the worker (default INSTANCE, else the host name)"), Up.runDirOption,
        ],
        positionals: [Command.Positional(name: "live|ready", summary: "what to ask")],
        example: "health ready --data-dir /data", run: run)

    private static func run(_ call: Invocation) throws -> Int32 {
        let question = call.positionals[0]
        guard question == "live" || question == "ready" else {
            throw UsageError("'\(question)' is no question, expected live or ready")
        }
        if let url = call.value("url") { return try ask(url) }
        let directory = try Services.directory(call, instance: Services.instance(call, "worker-0"))
        let ageMax: Int64 = try call.settings.integer("HEALTH_AGE_MS", default: 10_000, in: 1_000...600_000)
        guard let beat = Heartbeat(path: directory + "/health") else {
            throw Failure("no sign of life: \(directory)/health cannot be read")
        }
        let age = Clock.wallMilliseconds() - beat.timeMilliseconds
        guard age < ageMax else {
            throw Failure("the last sign of life is \(Readable.duration(milliseconds: age)) old")
        }
        guard beat.silentMilliseconds < ageMax else {
            throw Failure("the loop has stood still for \(Readable.duration(milliseconds: beat.silentMilliseconds))")
        }
        if question == "ready" && !beat.isReady { throw Failure("not ready: \(beat.reason)") }
        Terminal.print(question == "live" ? "live" : "ready with \(Readable.count(Int(beat.shards), "shard"))")
        return 0
    }

    /// For a container without a shell whose process has a port: the gateway's.
    private static func ask(_ url: String) throws -> Int32 {
        guard let place = HTTPLocation(url) else {
            throw UsageError("--url is '\(url)', expected http://host:port/path")
        }
        let client = HTTPClient(address: place.address, timeoutMilliseconds: 3_000)
        guard let answer = client.send("GET", place.path.isEmpty ? "/" : place.path) else {
            throw Failure("no answer from \(url)")
        }
        guard (200..<300).contains(answer.status) else { throw Failure("\(url) answers \(answer.status)") }
        Terminal.print("\(answer.status)")
        return 0
    }
}
