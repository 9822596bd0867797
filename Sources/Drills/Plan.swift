// What a drill is asked for, from the command line: the same options for all of them, with defaults of each.
import Operations
import Platform

struct Plan: Sendable {
    var seed: UInt64
    var units: Int
    /// Units a second; 0 is as many as there can be.
    var rate: Int
    var clients: Int
    /// Services, `gateway` and `broker`.
    var victims: [String]
    var everyMilliseconds: Int64
    /// The load goes on until so much time has passed and so many processes were ended, whatever comes last.
    var lastsMilliseconds: Int64 = 0
    var killsMin = 0
    var replicas: String?
    var kafkaHome: String?
    var report: String?
    var isJSON = false
    var keepsFiles = false

    static func options(_ unit: String) -> [Command.Option] {
        [
            .value("seed", "N", "makes the same drill again (default: another one each time)"),
            .value(unit, "N", "how many to place"),
            .value("rate", "R", "how many a second; 0 is as fast as they go"),
            .value("clients", "C", "how many clients at once (default 8)"),
            .value("every", "300ms", "time between two blows"),
            .value("for", "30m", "go on at least so long, however soon the \(unit) are placed"),
            .value("replicas", "NAME=N,…", "how many processes of a service"),
            .value("broker", "KIND", "embedded (default) or kafka, from KAFKA_HOME"),
            .value("report", "FILE", "write what was found there, with the seed"),
            .flag("json", "the result as one line of JSON"),
            .flag("keep", "leave data and logs of the private system where they are"),
        ]
    }

    init(_ call: Invocation, unit: String, defaults: DrillKind.Defaults) throws {
        let given = try call.integer("seed", in: 0...Int64.max)
        seed = given.map { UInt64($0) } ?? UInt64.random(in: 1...999_999_999)
        units = try call.integer(unit, in: 1...10_000_000).map { Int($0) } ?? defaults.units
        rate = try call.integer("rate", in: 0...100_000).map { Int($0) } ?? defaults.rate
        clients = try call.integer("clients", in: 1...1_000).map { Int($0) } ?? 8
        everyMilliseconds =
            try call.value("every").map { try Self.milliseconds($0, "--every") } ?? defaults.everyMilliseconds
        lastsMilliseconds = try call.value("for").map { try Self.milliseconds($0, "--for") } ?? 0
        replicas = call.value("replicas") ?? defaults.replicas
        let services = call.system.services.map(\.contract.name)
        let known = services + [LocalSystem.gateway, Self.broker]
        victims = services + [LocalSystem.gateway, Self.broker]
        if let text = call.value("victims"), text != "all" {
            victims = text.split(separator: ",").map(String.init)
            let choice = "(all, or of \(known.joined(separator: ", ")))"
            if let unknown = victims.first(where: { !known.contains($0) }) {
                throw UsageError("--victims: there is no '\(unknown)' \(choice)")
            }
            // With nobody to hit everything would go well.
            if victims.isEmpty { throw UsageError("--victims: '\(text)' names nobody \(choice)") }
        }
        switch call.value("broker") {
        case nil, "embedded": kafkaHome = nil
        case "kafka":
            guard let home = call.settings.text("KAFKA_HOME") else {
                throw UsageError("--broker kafka needs KAFKA_HOME, the folder of a Kafka distribution")
            }
            kafkaHome = home
        case .some(let other): throw UsageError("--broker is '\(other)', expected embedded or kafka")
        }
        killsMin = try call.integer("kills", in: 0...1_000_000).map { Int($0) } ?? 0
        report = try call.value("report").map { try Self.file($0) }
        isJSON = call.has("json")
        keepsFiles = call.has("keep")
    }

    static let broker = "broker"

    /// For who reads along. A reader that goes away, as `| head` does, ends no drill: its verdict is the exit status.
    func tell(_ line: String) { if !isJSON { Terminal.tell(line) } }

    /// A report that could not be written would be missed only when the drill is over.
    private static func file(_ path: String) throws(UsageError) -> String {
        let file = FileSystem.absolute(path)
        if let folder = FileSystem.parent(of: file), !FileSystem.exists(folder) {
            throw UsageError("--report is '\(path)', but there is no folder \(folder)")
        }
        return file
    }

    /// `300ms`, `2s`, `1m`, or a bare number of milliseconds.
    static func milliseconds(_ text: String, _ option: String) throws(UsageError) -> Int64 {
        let digits = text.prefix { $0.isNumber }
        let factors: [String: Int64] = ["": 1, "ms": 1, "s": 1_000, "m": 60_000]
        guard let number = Int64(digits), let factor = factors[String(text.dropFirst(digits.count))], number > 0,
            number < 86_400_000
        else { throw UsageError("\(option) is '\(text)', expected a time like 300ms, 2s or 1m") }
        return number * factor
    }
}
