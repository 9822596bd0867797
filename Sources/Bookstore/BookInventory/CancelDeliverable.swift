// In the book's shard: an order was cancelled. What was put aside for it goes back into the stock.
import BookstoreContracts
import Contract
import Wire
import Worker

struct CancelDeliverable: Command {
    static let schema = MessageSchema(
        "CancelDeliverable", "Take back what was put aside for a cancelled order",
        fields: PrepareDelivery.schema.fields)
    /// The order as it was to be prepared.
    let order: PrepareDelivery
    var target: Int64 { order.bookId }

    init(bookId: Int64, orderId: Int64, quantity: Int64) {
        order = PrepareDelivery(bookId: bookId, orderId: orderId, quantity: quantity)
    }

    init(fields: JSONObject) throws(Problem) { order = try PrepareDelivery(fields: fields) }

    var fields: JSONObject { order.fields }
}

extension InventoryService {
    static func cancelDeliverable(_ command: CancelDeliverable, _ turn: Turn) throws {
        guard let deliverable = try deliverable(ofOrder: command.order.orderId, turn) else {
            // The cancel has overtaken the preparation, which will find this row and do nothing.
            try addDeliverable(command.order, DeliverableStatus.deliveryCanceled, turn)
            return
        }
        let status = try deliverable.text("status")
        guard status != DeliverableStatus.deliveryCanceled else { return }
        let bookID = try deliverable.integer("bookId")
        if status == DeliverableStatus.deliveryPrepared, let stock = try stock(ofBook: bookID, turn) {
            let raised = StockRules.giveBack(try deliverable.integer("quantity"), to: stock)
            try setStock(ofBook: bookID, to: raised, turn)
        }
        try setStatus(
            ofDeliverable: try deliverable.integer("deliverableId"), to: DeliverableStatus.deliveryCanceled, turn)
    }
}
