// No copy of a book appears or disappears: initial + inputs − prepared and not cancelled = stock, and never below zero.
import BookstoreContracts
import Drills
import Wire

extension BookstoreJudge {
    mutating func judgeStock() {
        let creations = evidence.writes.filter { $0.method == "POST" && $0.path == Bookstore.books.collectionPath }
        let initial = Dictionary(
            creations.map { ($0.body?["bookName"]?.string ?? "", $0.body?["stock"]?.integer ?? 0) },
            uniquingKeysWith: { $1 })
        var balance: [Int64: Int64] = [:]
        for input in evidence.items(Bookstore.stockInputs.name) {
            balance[input["bookId"]?.integer ?? 0, default: 0] += input["quantity"]?.integer ?? 0
        }
        for deliverable in deliverables.values.joined()
        where deliverable["status"]?.string == DeliverableStatus.deliveryPrepared {
            balance[deliverable["bookId"]?.integer ?? 0, default: 0] -= deliverable["quantity"]?.integer ?? 0
        }
        for book in evidence.items(Bookstore.books.name) {
            let id = book["bookId"]?.integer ?? 0
            let stock = book["stock"]?.integer ?? 0
            let first = initial[book["bookName"]?.string ?? ""] ?? 0
            let expected = first + (balance[id] ?? 0)
            if stock < 0 { judgement.accuse("book \(id) has a stock below zero", history: history(ofBook: id)) }
            if stock != expected {
                judgement.accuse(
                    "book \(id) has a stock of \(stock), expected \(first) at first + inputs − prepared = \(expected)",
                    history: history(ofBook: id))
            }
        }
        judgement.count("books whose stock adds up", evidence.items(Bookstore.books.name).count)
    }

    private func history(ofBook id: Int64) -> [String] {
        let inputs = evidence.items(Bookstore.stockInputs.name).filter { $0["bookId"]?.integer == id }
        let taken = deliverables.values.joined().filter { $0["bookId"]?.integer == id }
        return inputs.map { "stockInput: \($0.text)" } + taken.map { "deliverable: \($0.text)" }
    }
}
