// The bookstore as a whole: four services on one topic of facts.
public import Contract

public enum Bookstore {
    public static let system = SystemContract(
        "cnabookstore", title: "The bookstore",
        services: [customerService, inventoryService, orderService, deliveryService],
        """
        Customers order books. An order is accepted whether or not the book is in stock; the inventory prepares it when \
        the stock allows, the delivery ships it, and MyPage shows each customer what became of every order.
        """)

    /// A number of copies or what is in stock: the seeds keep them in 32 bits.
    public static let quantityMax = Int64(Int32.max)
}
