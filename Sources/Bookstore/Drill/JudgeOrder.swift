// One order: its events form a legal history, and every service shows what that history says.
import BookstoreContracts
import Drills
import Wire

extension BookstoreJudge {
    mutating func judgeOrder(_ id: Int64) {
        let events = eventsOfOrder[id] ?? []
        judgeHistory(id, events)
        judgeWords(id, events)
        judgeCancels(id, events)
        guard !events.isEmpty else { return judgeUnforwarded(id) }
        judgeDeliverable(id, events)
        judgeDelivery(id, events)
        judgeStatuses(id, events)
        judgePage(id, events)
    }

    // MARK: - Events

    private func words(_ events: [PublishedEvent]) -> [String] {
        events.filter { $0.type == DeliveryStatusChanged.type }.map { $0.fields["deliveryStatus"]?.string ?? "" }
    }

    func isCanceled(_ events: [PublishedEvent]) -> Bool { events.contains { $0.type == OrderCanceled.type } }

    /// `Ordered` first; then at most one of each, no delivery before its preparation, no cancelled delivery before the
    /// cancel, and no word of a delivery after its cancel.
    private mutating func judgeHistory(_ id: Int64, _ events: [PublishedEvent]) {
        var prepared = 0
        var canceled = 0
        var shipped = 0
        var deliveryCanceled = 0
        if !events.isEmpty && events.first?.type != Ordered.type {
            accuse("its history does not begin with Ordered", order: id)
        }
        if events.count(where: { $0.type == Ordered.type }) > 1 { accuse("Ordered was published twice", order: id) }
        for event in events {
            switch event.type {
            case DeliveryPrepared.type: prepared += 1
            case OrderCanceled.type: canceled += 1
            case DeliveryStatusChanged.type:
                if deliveryCanceled > 0 { accuse("its delivery moved after it was cancelled", order: id) }
                switch Stage(of: event.fields["deliveryStatus"]?.string ?? "") {
                case .shipped:
                    shipped += 1
                    if prepared == 0 { accuse("it was shipped before it was prepared", order: id) }
                case .canceled:
                    deliveryCanceled += 1
                    if canceled == 0 { accuse("its delivery was cancelled before the order", order: id) }
                case .withCarrier: if shipped == 0 { accuse("the carrier had it before it was shipped", order: id) }
                default: accuse("its delivery has a status that is no move", order: id)
                }
            default: break
            }
        }
        for (count, name) in [
            (prepared, "prepared"), (canceled, "cancelled"), (shipped, "shipped"), (deliveryCanceled, "taken back"),
        ] where count > 1 { accuse("it was \(name) \(count) times", order: id) }
    }

    /// What the carrier said and was told is noted is on the topic once, what it was not told at most once.
    private mutating func judgeWords(_ id: Int64, _ events: [PublishedEvent]) {
        let said = Dictionary(grouping: words(events).filter { Stage(of: $0) == .withCarrier }, by: { $0 })
        var asked: Set<String> = []
        for write in writesOfOrder[id] ?? [] where write.method == "PATCH" {
            let word = write.body?["deliveryStatus"]?.string ?? ""
            asked.insert(word)
            let count = said[word]?.count ?? 0
            switch write.fate {
            case .acknowledged where count != 1:
                accuse("the carrier's '\(word)' was acknowledged and is there \(count) times", order: id)
            case .refused where count > 0: accuse("the carrier's '\(word)' was refused and is there", order: id)
            case .unknown where count > 1: accuse("the carrier's '\(word)' is there \(count) times", order: id)
            default: break
            }
        }
        for word in said.keys where !asked.contains(word) { accuse("the carrier never said '\(word)'", order: id) }
    }

    private mutating func judgeCancels(_ id: Int64, _ events: [PublishedEvent]) {
        let cancels = (writesOfOrder[id] ?? []).filter { $0.method == "DELETE" }
        let acknowledged = cancels.count { $0.fate == .acknowledged }
        if acknowledged > 1 { accuse("it was cancelled \(acknowledged) times, each with success", order: id) }
        if acknowledged == 1 && !isCanceled(events) { accuse("its cancel was acknowledged and is lost", order: id) }
        if isCanceled(events) && acknowledged == 0 && !cancels.contains(where: { $0.fate == .unknown }) {
            accuse("it was cancelled, and nobody was told", order: id)
        }
    }

    // MARK: - Rows

    /// Without an event nobody else knows of it.
    private mutating func judgeUnforwarded(_ id: Int64) {
        let status = orders[id]?["orderStatus"]?.string ?? ""
        if Stage(of: status) != .unverified { accuse("it is \(status) and there is no event of it", order: id) }
        if deliverables[id] != nil || deliveries[id] != nil || pages[id] != nil {
            accuse("there is no event of it, and yet somebody knows it", order: id)
        }
    }

    private mutating func judgeDeliverable(_ id: Int64, _ events: [PublishedEvent]) {
        let isPrepared = events.contains { $0.type == DeliveryPrepared.type }
        let expected =
            isCanceled(events)
            ? DeliverableStatus.deliveryCanceled
            : isPrepared ? DeliverableStatus.deliveryPrepared : DeliverableStatus.stockLacked
        let found = deliverables[id] ?? []
        if found.count != 1 { accuse("it has \(found.count) deliverables", order: id) }
        for deliverable in found {
            let status = deliverable["status"]?.string ?? ""
            if status != expected { accuse("its deliverable is \(status), expected \(expected)", order: id) }
            for field in ["bookId", "quantity"] where deliverable[field] != events.first?.fields[field] {
                accuse("its deliverable has another \(field)", order: id)
            }
        }
    }

    /// What the delivery said last, or that it was made.
    private func deliveryStatus(_ events: [PublishedEvent]) -> String {
        words(events).last ?? DeliveryStatus.createDelivery
    }

    private mutating func judgeDelivery(_ id: Int64, _ events: [PublishedEvent]) {
        guard let delivery = deliveries[id] else { return accuse("it has no delivery", order: id) }
        let status = delivery["deliveryStatus"]?.string ?? ""
        let expected = deliveryStatus(events)
        if status != expected { accuse("its delivery is \(status), the topic says \(expected)", order: id) }
        if isCanceled(events) && expected != DeliveryStatus.cancelDelivery {
            accuse("it is cancelled and its delivery is \(expected)", order: id)
        }
        if events.contains(where: { $0.type == DeliveryPrepared.type }) && expected == DeliveryStatus.createDelivery {
            accuse("it was prepared and never shipped", order: id)
        }
        if delivery["deliveryAddress"] != events.first?.fields["deliveryAddress"] {
            accuse("its delivery has another address", order: id)
        }
    }

    private mutating func judgeStatuses(_ id: Int64, _ events: [PublishedEvent]) {
        if isCanceled(events) {
            if orders[id] != nil { accuse("it is cancelled and still there", order: id) }
            return
        }
        guard let order = orders[id] else { return accuse("it is gone, and was never cancelled", order: id) }
        let expected = words(events).last ?? OrderStatus.ordered
        let status = order["orderStatus"]?.string ?? ""
        if status != expected { accuse("it is \(status), expected \(expected)", order: id) }
        for field in ["bookId", "customerId", "quantity", "deliveryAddress"]
        where order[field] != events.first?.fields[field] {
            accuse("it has another \(field) than its Ordered", order: id)
        }
    }

    private mutating func judgePage(_ id: Int64, _ events: [PublishedEvent]) {
        guard let page = pages[id], let first = events.first?.fields else {
            return accuse("it has no MyPage", order: id)
        }
        let last = words(events).last
        let expected: JSONObject = [
            "orderStatus": .string(isCanceled(events) ? OrderStatus.canceled : last ?? OrderStatus.ordered),
            "deliveryStatus": JSON(last),
            "deliveryId": last == nil ? .null : .integer(id),
            "customerId": first["customerId"] ?? .null, "bookId": first["bookId"] ?? .null,
            "quantity": first["quantity"] ?? .null, "deliveryAddress": first["deliveryAddress"] ?? .null,
            "customerName": JSON(first["customerId"]?.integer.flatMap { nameOfCustomer[$0] }),
        ]
        for member in expected.members where page[member.name] ?? .null != member.value {
            accuse(
                "MyPage shows \(member.name) \(page[member.name]?.text ?? "nothing"), expected \(member.value.text)",
                order: id)
        }
    }
}
