// `counter INSTANCE DIRECTORY`: one worker of the counter service, for tests that kill it.
import Contract
import Glibc
import Platform
import Worker

@main
enum Main {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { return print("usage: counter INSTANCE DIRECTORY") }
        let system = system(named: Settings.process.text("COUNTING_SYSTEM") ?? Counters.system.name)
        let service = Service(system.services[0], migrations: [counterSchema], counterRules)
        exit(WorkerProcess.run(service: service, system: system, instance: arguments[1], directory: arguments[2]))
    }

    /// Tests that share a broker give each system a name of its own; a consumer group is named as its service.
    static func system(named name: String) -> SystemContract {
        guard name != Counters.system.name else { return Counters.system }
        let service = ServiceContract(
            name, resources: Counters.service.resources, events: Counters.service.events,
            policies: Counters.service.policies, Counters.service.summary)
        return SystemContract(name, title: Counters.system.title, services: [service], Counters.system.summary)
    }
}
