// `topics`: the step that makes the topics, for compose, Kubernetes and everybody with a broker of their own.
import Platform
import Wire

enum TopicsCommand {
    static let command = Command(
        name: "topics", summary: "Create the topics that are missing; waits for the broker",
        options: [.flag("json", "for a script"), Up.runDirOption], example: "topics", run: run)

    private static func run(_ call: Invocation) throws -> Int32 {
        let bootstrap = try SystemBroker.settings(call).bootstrap
        let creation = try TopicCreation(call.system.contract, settings: call.settings, bootstrap: bootstrap)
        var told = ""
        let result = try creation.run { problem in
            if problem != told { Terminal.complain("waiting for Kafka at \(bootstrap): \(problem)") }
            told = problem
        }
        Terminal.print(
            call.has("json") ? json(result, call.system.contract.name).text : "\(call.system.contract.name): \(result)")
        return 0
    }

    private static func json(_ result: TopicCreation.Result, _ system: String) -> JSON {
        [
            "system": .string(system), "created": .array(result.created.map { .string($0) }),
            "existing": .array(result.existing.map { .string($0) }),
        ]
    }
}
