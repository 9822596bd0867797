// Orders: how they begin, what they follow, when they can be cancelled. One line a case.
import Testing

@testable import BookstoreOrder

struct OrderRulesTests {
    @Test(arguments: [
        // customer known, book known, status, told to the others
        (true, true, "Ordered", true),
        (false, true, "Customer_Not_Verified", false),
        (true, false, "Book_Not_Verified", false),
        (false, false, "Customer_Not_Verified", false),
    ])
    func beginning(_ customer: Bool, _ book: Bool, _ status: String, _ forwarded: Bool) {
        #expect(OrderRules.statusOfNew(customerKnown: customer, bookKnown: book) == status)
        #expect(OrderRules.isForwarded(status) == forwarded)
    }

    @Test(arguments: [
        ("Ordered", true), ("ORDERED", true), ("Customer_Not_Verified", false), ("Book_Not_Verified", false),
        ("Delivery_Prepared", false), ("Shipped", false), ("ShippingCompleted", false),
    ])
    func cancel(_ status: String, _ allowed: Bool) {
        #expect(OrderRules.canBeCanceled(status) == allowed)
    }

    @Test(arguments: [
        // at, news, whether it becomes the status
        ("Ordered", "Delivery_Prepared", true),
        ("Ordered", "Shipped", true),
        ("Delivery_Prepared", "Shipped", true),
        ("Shipped", "ShippingCompleted", true),
        ("Shipped", "Delivery_Prepared", false),
        ("ShippingCompleted", "Shipped", false),
        ("Shipped", "Ordered", false),
        ("Shipped", "CancelDelivery", false),
        ("Ordered", "CancelDelivery", false),
        ("Customer_Not_Verified", "Delivery_Prepared", false),
        ("Book_Not_Verified", "Shipped", false),
    ])
    func following(_ status: String, _ news: String, _ follows: Bool) {
        #expect(OrderRules.follows(news, from: status) == follows)
    }
}
