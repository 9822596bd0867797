// How a customer's name comes to MyPage: the row lives in the order's shard, the name in the customer's. The name goes
// from shard to shard by commands, never over the topic of the events.
import BookstoreContracts
import Contract
import Wire
import Worker

/// To the customer's shard: tell this order's row the name.
struct LookUpName: Command {
    static let schema = MessageSchema(
        "LookUpName", "Tell an order's MyPage row the name of its customer",
        fields: [.identifier("customerId"), .identifier("orderId")])
    let customerId: Int64
    let orderId: Int64
    var target: Int64 { customerId }

    init(customerId: Int64, orderId: Int64) {
        self.customerId = customerId
        self.orderId = orderId
    }

    init(fields: JSONObject) throws(Problem) {
        customerId = try fields.identifier("customerId")
        orderId = try fields.identifier("orderId")
    }

    var fields: JSONObject { ["customerId": .integer(customerId), "orderId": .integer(orderId)] }
}

/// Back to the order's shard.
struct NoteName: Command {
    static let schema = MessageSchema(
        "NoteName", "The name of an order's customer", fields: [.identifier("orderId"), .text("customerName")])
    let orderId: Int64
    let customerName: String
    var target: Int64 { orderId }

    init(orderId: Int64, customerName: String) {
        self.orderId = orderId
        self.customerName = customerName
    }

    init(fields: JSONObject) throws(Problem) {
        orderId = try fields.identifier("orderId")
        customerName = try fields.text("customerName")
    }

    var fields: JSONObject { ["orderId": .integer(orderId), "customerName": .string(customerName)] }
}

extension CustomerService {
    /// A customer who has left meanwhile has no name to tell; the row goes without.
    static func lookUpName(_ command: LookUpName, _ turn: Turn) throws {
        let row = try turn.row(
            "SELECT customerName FROM customers WHERE customerId = ?1", [.integer(command.customerId)])
        guard let row else { return }
        turn.send(NoteName(orderId: command.orderId, customerName: try row.text("customerName")))
    }

    /// The name of the day of the order: the first one stays.
    static func noteName(_ command: NoteName, _ turn: Turn) throws {
        try turn.execute(
            "UPDATE myPages SET customerName = ?2 WHERE orderId = ?1 AND customerName IS NULL",
            [.integer(command.orderId), .text(command.customerName)])
    }
}
