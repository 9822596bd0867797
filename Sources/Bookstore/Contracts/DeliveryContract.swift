// The delivery service: one delivery an order, moved on by the shop first and by the carrier then.
public import Contract
public import Wire

extension Bookstore {
    public static let deliveries = Resource(
        "deliveries", item: "delivery", id: "id",
        fields: [
            .identifier("id", readOnly: true, "The same as the order's"),
            .identifier("orderId", readOnly: true, "The order it is for"),
            .text("deliveryAddress", required: false, readOnly: true, "Where to"),
            .text("deliveryStatus", "CreateDelivery, Shipped, CancelDelivery, or the carrier's word"),
        ],
        actions: [.list, .read, .change],
        "Deliveries; the carrier changes the status of one that is shipped")

    public static let selectDeliveryInfo = Operation(
        "/selectDeliveryInfo",
        parameters: [.init("deliveryId", "The delivery; zero or less shows the circuit breaker at work")],
        placement: .queryParameter("deliveryId"),
        "The status of a delivery as text, behind a circuit breaker")

    public static let circuitBreaker = Operation(
        "/circuitBreaker",
        parameters: [.init("isYn", "Y for the text of an open circuit, anything else for the other")],
        placement: .anywhere,
        "What an open and a closed circuit answer")

    public static let deliveryService = ServiceContract(
        "delivery", resources: [deliveries], operations: [selectDeliveryInfo, circuitBreaker],
        events: [DeliveryStatusChanged.schema],
        policies: [Ordered.type, OrderCanceled.type, DeliveryPrepared.type],
        "Deliveries: made, shipped, followed, cancelled")
}

/// A delivery has moved on. Its making is no such move.
public struct DeliveryStatusChanged: Event {
    public static let schema = MessageSchema(
        "DeliveryStatusChanged", "A delivery has moved on",
        fields: [
            .identifier("id", "The delivery"),
            .identifier("orderId"),
            .text("deliveryStatus", "Shipped, CancelDelivery, or the carrier's word"),
        ])
    public let id: Int64
    public let orderId: Int64
    public let deliveryStatus: String
    public var subject: Int64 { orderId }

    public init(id: Int64, orderId: Int64, deliveryStatus: String) {
        self.id = id
        self.orderId = orderId
        self.deliveryStatus = deliveryStatus
    }

    public init(fields: JSONObject) throws(Problem) {
        id = try fields.identifier("id")
        orderId = try fields.identifier("orderId")
        deliveryStatus = try fields.text("deliveryStatus")
    }

    public var fields: JSONObject {
        ["id": .integer(id), "orderId": .integer(orderId), "deliveryStatus": .string(deliveryStatus)]
    }
}
