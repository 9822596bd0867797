// Everything that can happen in the inventory, on one screen.
import BookstoreContracts
public import Worker

public enum InventoryService {
    public static let service = Service(Bookstore.inventoryService, migrations: Schema.migrations) { rules in
        rules.read(Bookstore.books, from: "books")
        rules.create(Bookstore.books, addBook)
        rules.replace(Bookstore.books, changeBook)
        rules.change(Bookstore.books, changeBook)
        rules.remove(Bookstore.books, deleteBook)

        rules.read(Bookstore.stockInputs, from: "stockInputs")
        rules.create(Bookstore.stockInputs, receiveStock)

        rules.read(Bookstore.deliverables, from: "deliverables")
        rules.whenever(Ordered.self, passOrderToItsBook)
        rules.whenever(OrderCanceled.self, passCancelToItsBook)
        rules.carryOut(PrepareDelivery.self, prepareDelivery)
        rules.carryOut(CancelDeliverable.self, cancelDeliverable)
    }
}
