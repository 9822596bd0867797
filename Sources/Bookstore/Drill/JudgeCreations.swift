// Every acknowledged creation is there exactly once, every other one at most once, and nothing that nobody asked for.
import BookstoreContracts
import Contract
import Drills
import Wire

extension BookstoreJudge {
    mutating func judgeCreations() {
        judge(Bookstore.customers, tag: "customerName")
        judge(Bookstore.books, tag: "bookName")
        judge(Bookstore.stockInputs, tag: "inCharger")
        judge(Bookstore.orders, tag: "deliveryAddress")
        judgeRegistrations()
    }

    private mutating func judge(_ resource: Resource, tag: String) {
        var found: [String: Set<Int64>] = [:]
        for item in evidence.items(resource.name) {
            found[item[tag]?.string ?? "", default: []].insert(item[resource.idField]?.integer ?? 0)
        }
        // A cancelled order is gone; what is left of it is its first event.
        if resource.name == Bookstore.orders.name {
            for event in evidence.events where !event.isPlanted && event.type == Ordered.type {
                found[event.fields[tag]?.string ?? "", default: []].insert(event.fields["orderId"]?.integer ?? 0)
            }
        }
        let creations = evidence.writes.filter { $0.method == "POST" && $0.path == resource.collectionPath }
        var acknowledged = 0
        for write in creations {
            let ids = found.removeValue(forKey: write.body?[tag]?.string ?? "") ?? []
            if write.fate == .acknowledged { acknowledged += 1 }
            judge(write, resource, ids)
        }
        for (text, ids) in found {
            judgement.accuse(
                "\(resource.item) \(ids.sorted()) with \(tag) '\(text)' was created, and nobody asked for it")
        }
        judgement.count("\(resource.name) acknowledged", acknowledged)
        let unknown = creations.count { $0.fate == .unknown }
        if unknown > 0 { judgement.count("\(resource.name) of unknown fate", unknown) }
    }

    private mutating func judge(_ write: Write, _ resource: Resource, _ ids: Set<Int64>) {
        let told = write.answer[resource.idField].integer
        let history = [write.line, "answer: \(write.answer.text)"] + ids.sorted().flatMap { lines(resource, $0) }
        switch write.fate {
        case .acknowledged where ids.isEmpty:
            judgement.accuse("\(resource.item) \(told ?? 0) was acknowledged and is lost", history: history)
        case .refused where !ids.isEmpty:
            judgement.accuse("a refused \(resource.item) was created", history: history)
        case _ where ids.count > 1:
            judgement.accuse("one request made \(ids.count) of \(resource.name)", history: history)
        case .acknowledged where ids.first != told:
            judgement.accuse("a client was told \(resource.item) \(told ?? 0), it is \(ids.sorted())", history: history)
        default: break
        }
    }

    private func lines(_ resource: Resource, _ id: Int64) -> [String] {
        if resource.name == Bookstore.orders.name { return ["order \(id)"] + history(of: id).map { "  " + $0 } }
        return evidence.items(resource.name).filter { $0[resource.idField]?.integer == id }.map { "shown: \($0.text)" }
    }

    /// A customer is announced once.
    private mutating func judgeRegistrations() {
        var announced: [Int64: Int] = [:]
        for event in evidence.events where !event.isPlanted && event.type == Registered.type {
            announced[event.fields["customerId"]?.integer ?? 0, default: 0] += 1
        }
        for customer in evidence.items(Bookstore.customers.name) {
            let id = customer["customerId"]?.integer ?? 0
            let count = announced.removeValue(forKey: id) ?? 0
            if count != 1 { judgement.accuse("customer \(id) was announced \(count) times", history: [customer.text]) }
        }
        for id in announced.keys { judgement.accuse("customer \(id) was announced, and does not exist") }
    }
}
