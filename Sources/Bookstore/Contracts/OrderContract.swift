// The order service: orders, and the facts that start and end their journey.
public import Contract
public import Wire

extension Bookstore {
    public static let orders = Resource(
        "orders", item: "order", id: "orderId",
        fields: [
            .identifier("orderId", readOnly: true, "Given by the service"),
            .identifier("bookId", "What is ordered"),
            .identifier("customerId", "Who orders"),
            .integer("quantity", in: 1...quantityMax, "How many copies"),
            .text("deliveryAddress", strict: true, required: false, "Where to"),
            .text(
                "orderStatus", readOnly: true,
                "Ordered, Customer_Not_Verified, Book_Not_Verified, Delivery_Prepared, Shipped, or the carrier's word"),
        ],
        actions: [.list, .read, .create, .remove],
        "Orders; deleting one cancels it, which is possible while it is Ordered")

    public static let verifyCustomer = Operation(
        "/orderService/verifyCustomer/{customerId}",
        parameters: [.init("customerId", "The customer to look for")],
        placement: .pathID,
        "Asks the customer service for a customer, as placing an order does")

    public static let orderService = ServiceContract(
        "order", resources: [orders], operations: [verifyCustomer],
        events: [Ordered.schema, OrderCanceled.schema],
        policies: [DeliveryPrepared.type, DeliveryStatusChanged.type],
        ownPort: 8081,
        "Orders: placed, followed, cancelled")
}

/// A customer, known to be one, has ordered a book, known to be one.
public struct Ordered: Event {
    public static let schema = MessageSchema(
        "Ordered", "A verified order was placed",
        fields: [
            .identifier("orderId"),
            .identifier("bookId"),
            .identifier("customerId"),
            .integer("quantity", in: 1...Bookstore.quantityMax),
            .text("deliveryAddress", required: false),
            .text("orderStatus", "Ordered"),
        ])
    public let orderId: Int64
    public let bookId: Int64
    public let customerId: Int64
    public let quantity: Int64
    public let deliveryAddress: String?
    public let orderStatus: String
    public var subject: Int64 { orderId }

    public init(orderId: Int64, bookId: Int64, customerId: Int64, quantity: Int64, deliveryAddress: String?) {
        self.orderId = orderId
        self.bookId = bookId
        self.customerId = customerId
        self.quantity = quantity
        self.deliveryAddress = deliveryAddress
        orderStatus = OrderStatus.ordered
    }

    public init(fields: JSONObject) throws(Problem) {
        orderId = try fields.identifier("orderId")
        bookId = try fields.identifier("bookId")
        customerId = try fields.identifier("customerId")
        quantity = try fields.integer("quantity")
        deliveryAddress = fields.textOrNil("deliveryAddress")
        orderStatus = try fields.text("orderStatus")
    }

    public var fields: JSONObject {
        [
            "orderId": .integer(orderId), "bookId": .integer(bookId), "customerId": .integer(customerId),
            "quantity": .integer(quantity), "deliveryAddress": JSON(deliveryAddress),
            "orderStatus": .string(orderStatus),
        ]
    }
}

/// An order was cancelled while it was Ordered.
public struct OrderCanceled: Event {
    public static let schema = MessageSchema(
        "OrderCanceled", "An order was cancelled while it was Ordered",
        fields: [.identifier("orderId"), .text("status", "CANCELED")])
    public let orderId: Int64
    public let status: String
    public var subject: Int64 { orderId }

    public init(orderId: Int64) {
        self.orderId = orderId
        status = OrderStatus.canceled
    }

    public init(fields: JSONObject) throws(Problem) {
        orderId = try fields.identifier("orderId")
        status = try fields.text("status")
    }

    public var fields: JSONObject { ["orderId": .integer(orderId), "status": .string(status)] }
}
