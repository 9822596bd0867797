// The bookstore as an executable: what the kit is told about it, and nothing else.
import BookstoreContracts
import BookstoreCustomer
import BookstoreDelivery
import BookstoreDrill
import BookstoreInventory
import BookstoreOrder
import CBuild
import Drills
import Glibc
import Operations

@main
enum Main {
    static let system = SystemDescription(
        executable: "bookstore", version: "1.0.0", commit: unsafe String(cString: cbuild_commit()),
        contract: Bookstore.system,
        services: [
            .init(Bookstore.customerService) { _ in CustomerService.service },
            .init(Bookstore.inventoryService) { _ in InventoryService.service },
            .init(Bookstore.orderService) { _ in OrderService.service },
            .init(Bookstore.deliveryService) { try DeliveryService.service(settings: $0) },
        ],
        demo: DemoScript.steps
    ).withDrills(BookstoreScenario.script)

    static func main() { exit(CommandLineTool.run(system)) }
}
