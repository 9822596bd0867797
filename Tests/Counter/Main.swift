// `counter INSTANCE DIRECTORY`: one worker of the counter service, for tests that kill it.
import Contract
import Glibc
import Worker

@main
enum Main {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { return print("usage: counter INSTANCE DIRECTORY") }
        exit(
            WorkerProcess.run(
                service: counterService, system: Counters.system, instance: arguments[1], directory: arguments[2]))
    }
}
