// A customer comes, changes, leaves. Only what is different afterwards is worth an event.
import BookstoreContracts
import Wire
import Worker

extension CustomerService {
    static func register(_ request: Request, _ turn: Turn) throws -> Outcome {
        let id = try turn.nextID("customers")
        try turn.execute(
            "INSERT INTO customers (customerId, customerName) VALUES (?1, ?2)",
            [.integer(id), Value(request.body["customerName"])])
        turn.publish(Registered(customerId: id))
        return .created(id, try customer(id, turn))
    }

    /// PUT and PATCH alike: a customer has one field.
    static func changeCustomer(_ request: Request, _ turn: Turn) throws -> Outcome {
        let id = try request.itemID()
        if let name = request.body["customerName"] {
            let changed = try turn.execute(
                "UPDATE customers SET customerName = ?2 WHERE customerId = ?1 AND customerName <> ?2",
                [.integer(id), Value(name)])
            if changed > 0 { turn.publish(Changed(customerId: id)) }
        }
        return .ok(try customer(id, turn))
    }

    /// Orders and MyPage rows of the customer stay as they are.
    static func deleteCustomer(_ request: Request, _ turn: Turn) throws -> Outcome {
        let id = try request.itemID()
        guard try turn.execute("DELETE FROM customers WHERE customerId = ?1", [.integer(id)]) > 0 else {
            throw Problem.notFound("customer \(id) does not exist")
        }
        turn.publish(Deleted(customerId: id))
        return .noContent
    }

    private static func customer(_ id: Int64, _ turn: Turn) throws -> JSONObject {
        let row = try turn.row("SELECT * FROM customers WHERE customerId = ?1", [.integer(id)])
        guard let row else { throw Problem.notFound("customer \(id) does not exist") }
        return Bookstore.customers.item(row)
    }
}
