// Everything that can happen in the delivery service, on one screen.
import BookstoreContracts
public import Platform
public import Worker

public enum DeliveryService {
    public static func service(settings: Settings) throws -> Service {
        let circuit = try Circuit(settings: settings)
        return Service(Bookstore.deliveryService, migrations: Schema.migrations) { rules in
            rules.read(Bookstore.deliveries, from: "deliveries")
            rules.change(Bookstore.deliveries, changeStatus)
            rules.whenever(Ordered.self, createDelivery)
            rules.whenever(DeliveryPrepared.self, ship)
            rules.whenever(OrderCanceled.self, cancelDelivery)
            rules.answer(Bookstore.selectDeliveryInfo) { try selectDeliveryInfo($0, $1, circuit) }
            rules.answer(Bookstore.circuitBreaker, showCircuitBreaker)
        }
    }
}
