// The inventory: books and their stock, what comes in, and what is put aside for orders.
public import Contract
public import Wire

extension Bookstore {
    public static let books = Resource(
        "books", item: "book", id: "bookId",
        fields: [
            .identifier("bookId", readOnly: true, "Given by the service"),
            .text("bookName", "The title"),
            .integer("stock", in: 0...quantityMax, "Copies that no order has taken yet"),
        ],
        actions: [.list, .read, .create, .replace, .change, .remove],
        "Books and their stock")

    public static let deliverables = Resource(
        "deliverables", item: "deliverable", id: "deliverableId",
        fields: [
            .identifier("deliverableId", readOnly: true, "Given by the service"),
            .identifier("orderId", readOnly: true, "The order it is for"),
            .identifier("bookId", readOnly: true, "The book"),
            .integer("quantity", in: 1...quantityMax, readOnly: true, "How many copies"),
            .text("status", readOnly: true, "Stock_Lacked, Delivery_Prepared or DeliveryCanceled"),
        ],
        actions: [.list, .read],
        "What is put aside, or lacking, for each order")

    public static let stockInputs = Resource(
        "stockInputs", item: "stockInput", id: "id",
        fields: [
            .identifier("id", readOnly: true, "Given by the service"),
            .identifier("bookId", "The book that came in"),
            .integer("quantity", in: 1...quantityMax, "How many copies came in"),
            .text("inCharger", required: false, "Who took them in"),
        ],
        actions: [.list, .read, .create],
        creation: .shardOf(field: "bookId"), representation: .plain, statusOfCreation: 200,
        "Deliveries to the shop: they raise the stock and serve the orders that lack it")

    public static let inventoryService = ServiceContract(
        "bookinventory", resources: [books, deliverables, stockInputs],
        events: [DeliveryPrepared.schema],
        policies: [Ordered.type, OrderCanceled.type],
        "Books, stock inputs and deliverables")
}

/// The copies of an order are put aside.
public struct DeliveryPrepared: Event {
    public static let schema = MessageSchema(
        "DeliveryPrepared", "The copies of an order are put aside",
        fields: [
            .identifier("id", required: false, "Always null, as in the seeds"),
            .identifier("orderId"),
            .text("status", "Delivery_Prepared"),
        ])
    public let id: Int64?
    public let orderId: Int64
    public let status: String
    public var subject: Int64 { orderId }

    public init(orderId: Int64) {
        id = nil
        self.orderId = orderId
        status = DeliverableStatus.deliveryPrepared
    }

    public init(fields: JSONObject) throws(Problem) {
        id = fields.integerOrNil("id")
        orderId = try fields.identifier("orderId")
        status = try fields.text("status")
    }

    public var fields: JSONObject { ["id": JSON(id), "orderId": .integer(orderId), "status": .string(status)] }
}
