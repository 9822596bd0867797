// Everything that can happen in the customer service, on one screen.
import BookstoreContracts
public import Worker

public enum CustomerService {
    public static let service = Service(Bookstore.customerService, migrations: Schema.migrations) { rules in
        rules.read(Bookstore.customers, from: "customers")
        rules.create(Bookstore.customers, register)
        rules.replace(Bookstore.customers, changeCustomer)
        rules.change(Bookstore.customers, changeCustomer)
        rules.remove(Bookstore.customers, deleteCustomer)

        rules.read(Bookstore.myPages, from: "myPages")
        rules.whenever(Ordered.self, beginPage)
        rules.whenever(OrderCanceled.self, markPageCanceled)
        rules.whenever(DeliveryPrepared.self, followPreparation)
        rules.whenever(DeliveryStatusChanged.self, followDelivery)
        rules.carryOut(LookUpName.self, lookUpName)
        rules.carryOut(NoteName.self, noteName)
    }
}
