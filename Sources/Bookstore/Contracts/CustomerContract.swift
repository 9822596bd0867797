// The customer service: who buys, and MyPage, the view of every order's fate.
public import Contract
public import Wire

extension Bookstore {
    public static let customers = Resource(
        "customers", item: "customer", id: "customerId",
        fields: [
            .identifier("customerId", readOnly: true, "Given by the service"),
            .text("customerName", "The name MyPage shows"),
        ],
        actions: [.list, .read, .create, .replace, .change, .remove],
        "People who order books")

    public static let myPages = Resource(
        "myPages", item: "myPage", id: "orderId",
        fields: [
            .identifier("orderId", readOnly: true, "The order, and the key of its row"),
            .identifier("customerId", readOnly: true, "Who ordered"),
            .text("customerName", required: false, readOnly: true, "The customer's name when the order was placed"),
            .identifier("bookId", readOnly: true, "What was ordered"),
            .integer("quantity", in: 1...quantityMax, readOnly: true, "How many copies"),
            .text("deliveryAddress", required: false, readOnly: true, "Where to"),
            .text("orderStatus", readOnly: true, "Follows the order; a cancelled one stays CANCELED"),
            .text("deliveryStatus", required: false, readOnly: true, "Follows the delivery"),
            .identifier("deliveryId", required: false, readOnly: true, "The delivery, once it has moved"),
        ],
        actions: [.list, .read],
        filters: ["customerId"],
        "Every order of every customer, cancelled ones included: a view, made from events alone")

    public static let customerService = ServiceContract(
        "customer", resources: [customers, myPages],
        events: [Registered.schema, Changed.schema, Deleted.schema],
        policies: [Ordered.type, OrderCanceled.type, DeliveryPrepared.type, DeliveryStatusChanged.type],
        "Customers, and the MyPage view")
}

/// A customer came.
public struct Registered: Event {
    public static let schema = MessageSchema("Registered", "A customer came", fields: [.identifier("customerId")])
    public let customerId: Int64
    public var subject: Int64 { customerId }

    public init(customerId: Int64) { self.customerId = customerId }
    public init(fields: JSONObject) throws(Problem) { customerId = try fields.identifier("customerId") }
    public var fields: JSONObject { ["customerId": .integer(customerId)] }
}

/// Something about a customer is different now.
public struct Changed: Event {
    public static let schema = MessageSchema(
        "Changed", "Something about a customer is different now", fields: [.identifier("customerId")])
    public let customerId: Int64
    public var subject: Int64 { customerId }

    public init(customerId: Int64) { self.customerId = customerId }
    public init(fields: JSONObject) throws(Problem) { customerId = try fields.identifier("customerId") }
    public var fields: JSONObject { ["customerId": .integer(customerId)] }
}

/// A customer left.
public struct Deleted: Event {
    public static let schema = MessageSchema("Deleted", "A customer left", fields: [.identifier("customerId")])
    public let customerId: Int64
    public var subject: Int64 { customerId }

    public init(customerId: Int64) { self.customerId = customerId }
    public init(fields: JSONObject) throws(Problem) { customerId = try fields.identifier("customerId") }
    public var fields: JSONObject { ["customerId": .integer(customerId)] }
}
