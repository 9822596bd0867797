// `drill kill` and its siblings, added to the commands of a system that has a script for them.
package import Operations
import Platform

extension SystemDescription {
    /// The same system, with drills.
    package func withDrills(_ script: DrillScript) -> SystemDescription {
        var system = self
        system.additions += DrillCommands.all(self, script)
        return system
    }
}

enum DrillCommands {
    static func all(_ system: SystemDescription, _ script: DrillScript) -> [Command] {
        let kinds = DrillKind.all(services: system.services.map(\.contract.name))
        return kinds.map { command($0, script) } + [slow(script), slowAlias(script)]
    }

    private static func command(_ kind: DrillKind, _ script: DrillScript) -> Command {
        let harm: [Command.Option] = [
            .value("victims", "NAMES", "services, gateway, broker, by commas (default all)"),
            .value("kills", "N", "go on until so many processes were ended"),
            .value("target", "URL", "load and judge what runs there, events from KAFKA_BOOTSTRAP; no kills"),
        ]
        return Command(
            name: "drill \(kind.name)", summary: kind.summary,
            options: Plan.options(script.unit) + (kind.name == "kill" ? harm : []),
            example: "drill \(kind.name) --seed 42 --\(script.unit) 200"
        ) { call in
            var plan = try Plan(call, unit: script.unit, defaults: kind.defaults)
            if kind.name == Plan.broker { plan.victims = [Plan.broker] }
            if kind.name == "zombie" || kind.name == "lost-disk" {
                plan.victims = call.system.services.map(\.contract.name)
            }
            if let target = call.value("target"), target != "local" {
                return try TargetDrill(call, script, plan, target: target).run()
            }
            return try Drill(call, kind, script, plan).run()
        }
    }

    // MARK: - Slow services

    private static let slowSummary = "A service stands still: answers without it in time, and recovery"

    private static func slow(_ script: DrillScript) -> Command {
        Command(
            name: "drill slow", summary: slowSummary, options: Plan.options(script.unit),
            positionals: [.init(name: "SERVICE", summary: "which one stands still")],
            example: "drill slow \(script.slow.service)"
        ) { call in
            guard call.system.services.contains(where: { $0.contract.name == call.positionals[0] }) else {
                throw UsageError("there is no service '\(call.positionals[0])'")
            }
            return try runSlow(call, call.positionals[0], script)
        }
    }

    private static func slowAlias(_ script: DrillScript) -> Command {
        Command(
            name: "drill \(script.slow.command)", summary: "The same as drill slow \(script.slow.service)",
            options: Plan.options(script.unit), example: "drill \(script.slow.command)"
        ) { try runSlow($0, script.slow.service, script) }
    }

    private static func runSlow(_ call: Invocation, _ service: String, _ script: DrillScript) throws -> Int32 {
        let kind = DrillKind(name: "slow \(service)", summary: slowSummary, defaults: .init(units: 1)) {
            try SlowDrill(service: service).play($0)
        }
        return try Drill(call, kind, script, Plan(call, unit: script.unit, defaults: kind.defaults)).run()
    }
}
