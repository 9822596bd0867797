// A status never goes back: every step between the words of the bookstore, one line each.
import BookstoreContracts
import Testing

struct StageTests {
    @Test(arguments: [
        // from, to, whether it moves
        ("Ordered", "Delivery_Prepared", true),
        ("Ordered", "Shipped", true),
        ("ORDERED", "Shipped", true),
        ("Delivery_Prepared", "Shipped", true),
        ("Shipped", "ShippingCompleted", true),
        ("ShippingInTransit", "ShippingCompleted", true),
        ("CreateDelivery", "Shipped", true),
        ("Shipped", "CancelDelivery", true),
        ("ShippingCompleted", "CancelDelivery", true),
        ("Ordered", "CANCELED", true),
        ("Ordered", "Ordered", false),
        ("Ordered", "CreateDelivery", false),
        ("Delivery_Prepared", "Delivery_Prepared", false),
        ("Delivery_Prepared", "Ordered", false),
        ("Shipped", "Delivery_Prepared", false),
        ("Shipped", "ordered", false),
        ("ShippingCompleted", "ShippingCompleted", false),
        ("ShippingCompleted", "Shipped", false),
        ("Customer_Not_Verified", "Delivery_Prepared", false),
        ("Book_Not_Verified", "Shipped", false),
        ("CANCELED", "Shipped", false),
        ("CANCELED", "ShippingCompleted", false),
        ("CancelDelivery", "CANCELED", false),
    ])
    func moves(_ from: String, _ to: String, _ expected: Bool) {
        #expect(Stage.moves(from: from, to: to) == expected)
    }
}
