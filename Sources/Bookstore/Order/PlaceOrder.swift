// An order is placed: customer and book are verified at once, and whatever comes of that, the order is taken down. Only
// a verified one is told to the others.
import BookstoreContracts
import Wire
import Worker

extension OrderService {
    static func placeOrder(_ request: Request, _ turn: Turn) throws -> Outcome {
        let questions = [
            Question(Bookstore.customerService, read: Bookstore.customers, try request.body.identifier("customerId")),
            Question(Bookstore.inventoryService, read: Bookstore.books, try request.body.identifier("bookId")),
        ]
        let body = request.body
        return .ask(questions) { answers, turn in
            let status = OrderRules.statusOfNew(customerKnown: answers[0].isSuccess, bookKnown: answers[1].isSuccess)
            return try takeDown(body, status, turn)
        }
    }

    private static func takeDown(_ body: JSONObject, _ status: String, _ turn: Turn) throws -> Outcome {
        let id = try turn.nextID("orders")
        try turn.execute(
            """
            INSERT INTO orders (orderId, bookId, customerId, quantity, deliveryAddress, orderStatus)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """,
            [
                .integer(id), Value(body["bookId"]), Value(body["customerId"]), Value(body["quantity"]),
                Value(body["deliveryAddress"]), .text(status),
            ])
        if OrderRules.isForwarded(status) {
            turn.publish(
                Ordered(
                    orderId: id, bookId: try body.identifier("bookId"), customerId: try body.identifier("customerId"),
                    quantity: try body.integer("quantity"), deliveryAddress: body.textOrNil("deliveryAddress")))
        }
        guard let row = try order(id, turn) else { throw Problem(500, "order \(id) was not stored") }
        return .created(id, Bookstore.orders.item(row))
    }

    static func order(_ id: Int64, _ turn: Turn) throws -> Row? {
        try turn.row("SELECT * FROM orders WHERE orderId = ?1", [.integer(id)])
    }
}
