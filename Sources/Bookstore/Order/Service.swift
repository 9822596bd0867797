// Everything that can happen in the order service, on one screen.
import BookstoreContracts
public import Worker

public enum OrderService {
    public static let service = Service(Bookstore.orderService, migrations: Schema.migrations) { rules in
        rules.read(Bookstore.orders, from: "orders")
        rules.create(Bookstore.orders, placeOrder)
        rules.remove(Bookstore.orders, cancelOrder)
        rules.whenever(DeliveryPrepared.self, followPreparation)
        rules.whenever(DeliveryStatusChanged.self, followDelivery)
        rules.answer(Bookstore.verifyCustomer, verifyCustomer)
    }
}
