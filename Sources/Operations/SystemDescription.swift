// What the kit is told about a system: nothing in this module knows more of it than stands here.
public import Contract
public import Platform
public import Worker

public struct SystemDescription: Sendable {
    /// A service as a process: its contract, and how it is made when a process of it starts.
    public struct Program: Sendable {
        package let contract: ServiceContract
        let make: @Sendable (Settings) throws -> Service

        public init(_ contract: ServiceContract, _ make: @escaping @Sendable (Settings) throws -> Service) {
            self.contract = contract
            self.make = make
        }
    }

    /// Name of the executable, as a person types it.
    public let executable: String
    public let version: String
    /// What it was built from; empty where the build was not told.
    let commit: String
    public let contract: SystemContract
    /// In the order they are started.
    public let services: [Program]
    /// The walk-through that `demo` performs.
    public let demo: [DemoStep]
    /// Commands of kits that build on this one, listed after its own.
    package var additions: [Command] = []

    public init(
        executable: String, version: String, commit: String = "", contract: SystemContract, services: [Program],
        demo: [DemoStep] = []
    ) {
        self.executable = executable
        self.version = version
        self.commit = commit
        self.contract = contract
        self.services = services
        self.demo = demo
    }

    /// Version and commit. An image names its commit in its environment; a build that was told nothing has no honest answer.
    func build(_ settings: Settings) -> String {
        "\(executable) \(version) (\(settings.text("BUILD_COMMIT") ?? (commit.isEmpty ? "dev" : commit)))"
    }
}
