// Whether the bookstore kept its promises, from what clients were told and what can be seen afterwards. It believes
// neither: everything must agree with everything else.
import BookstoreContracts
import Contract
package import Drills
import Wire

package struct BookstoreJudge {
    let evidence: Evidence
    var judgement = Judgement()
    let orders: [Int64: JSONObject]
    let nameOfCustomer: [Int64: String]
    let deliveries: [Int64: JSONObject]
    let pages: [Int64: JSONObject]
    let deliverables: [Int64: [JSONObject]]
    let eventsOfOrder: [Int64: [PublishedEvent]]
    let writesOfOrder: [Int64: [Write]]

    package init(_ evidence: Evidence) {
        self.evidence = evidence
        func byID(_ resource: Resource, _ field: String) -> [Int64: JSONObject] {
            Dictionary(
                evidence.items(resource.name).map { ($0[field]?.integer ?? 0, $0) }, uniquingKeysWith: { $1 })
        }
        orders = byID(Bookstore.orders, "orderId")
        nameOfCustomer = byID(Bookstore.customers, "customerId").compactMapValues { $0["customerName"]?.string }
        deliveries = byID(Bookstore.deliveries, "orderId")
        pages = byID(Bookstore.myPages, "orderId")
        deliverables = Dictionary(
            grouping: evidence.items(Bookstore.deliverables.name), by: { $0["orderId"]?.integer ?? 0 })
        eventsOfOrder = Dictionary(
            grouping: evidence.events.filter { !$0.isPlanted && $0.fields["orderId"]?.integer != nil },
            by: { $0.fields["orderId"]?.integer ?? 0 })
        writesOfOrder = Dictionary(
            grouping: evidence.writes.filter { Self.orderID(of: $0) != nil }, by: { Self.orderID(of: $0) ?? 0 })
    }

    package func judge() -> Judgement {
        var judge = self
        judge.judgeCreations()
        for id in Set(orders.keys).union(eventsOfOrder.keys).union(deliverables.keys).union(deliveries.keys)
            .union(pages.keys).sorted()
        {
            judge.judgeOrder(id)
        }
        judge.judgeStock()
        judge.countOrders()
        return judge.judgement
    }

    /// What a write is about, where it names an order.
    private static func orderID(of write: Write) -> Int64? {
        for prefix in ["/orders/", "/deliveries/"] where write.path.hasPrefix(prefix) {
            return Int64(write.path.dropFirst(prefix.count))
        }
        return write.path == "/orders" ? write.answer["orderId"].integer : nil
    }

    mutating func accuse(_ text: String, order id: Int64) {
        judgement.accuse("order \(id): \(text)", history: history(of: id))
    }

    /// Everything that is known of an order: what clients did, what the topic says, what is shown.
    func history(of id: Int64) -> [String] {
        let rows: [(String, JSONObject?)] =
            [("order", orders[id])] + (deliverables[id] ?? []).map { ("deliverable", $0) }
            + [("delivery", deliveries[id]), ("myPage", pages[id])]
        let events = evidence.events.filter { $0.fields["orderId"]?.integer == id }
        return (writesOfOrder[id] ?? []).map { "client: \($0.line)" } + events.map { "topic: \($0.line)" }
            + rows.map { "\($0.0): \($0.1?.text ?? "none")" }
    }

    private mutating func countOrders() {
        let canceled = eventsOfOrder.values.filter { $0.contains { $0.type == OrderCanceled.type } }.count
        func count(_ status: (String) -> Bool) -> Int {
            orders.values.count { status($0["orderStatus"]?.string ?? "") }
        }
        judgement.count("orders shipped or with the carrier", count { Stage(of: $0) >= .shipped })
        judgement.count("orders that wait for stock", count { Stage(of: $0) == .accepted })
        judgement.count("orders cancelled", canceled)
        judgement.count("orders not verified", count { Stage(of: $0) == .unverified })
        judgement.count("events on the topic", evidence.events.count { !$0.isPlanted })
    }
}
