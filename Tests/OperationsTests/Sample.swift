// A system of one service that the kit has never heard of.
import Contract
import Operations
import Worker

enum Sample {
    static let things = Resource(
        "things", item: "thing", id: "thingId", fields: [.identifier("thingId", readOnly: true)],
        actions: [.list, .read], "Things")
    static let contract = ServiceContract("store", resources: [things], "Keeps things")
    static let system = SystemDescription(
        executable: "sample", version: "0",
        contract: SystemContract("sample", title: "Sample", services: [contract], "A sample."),
        services: [.init(contract) { _ in Service(contract, migrations: []) { _ in } }])
}
