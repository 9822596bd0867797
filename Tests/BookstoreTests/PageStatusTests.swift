// MyPage: what it shows after a sequence of news, in whatever order they come.
import Testing

@testable import BookstoreCustomer

struct PageStatusTests {
    @Test(arguments: [
        // the news, one after the other; order / delivery as shown then
        ("", "Ordered / nothing"),
        ("Delivery_Prepared", "Delivery_Prepared / Delivery_Prepared"),
        ("Delivery_Prepared Shipped", "Shipped / Shipped"),
        ("Delivery_Prepared Shipped ShippingCompleted", "ShippingCompleted / ShippingCompleted"),
        ("Shipped InTransit ShippingCompleted", "ShippingCompleted / ShippingCompleted"),
        ("Shipped Delivery_Prepared", "Shipped / Shipped"),
        ("ShippingCompleted Shipped Delivery_Prepared", "ShippingCompleted / ShippingCompleted"),
        ("canceled", "CANCELED / nothing"),
        ("canceled CancelDelivery", "CANCELED / CancelDelivery"),
        ("CancelDelivery canceled", "CANCELED / CancelDelivery"),
        ("Delivery_Prepared canceled Shipped CancelDelivery", "CANCELED / CancelDelivery"),
        ("canceled CancelDelivery Delivery_Prepared Shipped", "CANCELED / CancelDelivery"),
        ("CancelDelivery Shipped", "Shipped / CancelDelivery"),
        ("canceled canceled", "CANCELED / nothing"),
    ])
    func shown(_ news: String, _ expected: String) {
        var status = PageStatus.placed
        for word in news.split(separator: " ") {
            if word == "canceled" { status.orderCanceled() } else { status.deliveryMoved(to: String(word)) }
        }
        #expect("\(status.order) / \(status.delivery ?? "nothing")" == expected)
    }
}
