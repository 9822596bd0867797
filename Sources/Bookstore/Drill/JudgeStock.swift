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
        let books = evidence.items(Bookstore.books.name)
        let known = Set(books.map { $0["bookId"]?.integer ?? 0 })
        var balance: [Int64: Int64] = [:]
        for input in evidence.items(Bookstore.stockInputs.name) {
            balance[input["bookId"]?.integer ?? 0, default: 0] += input["quantity"]?.integer ?? 0
        }
        for deliverable in deliverables.values.joined()
        where deliverable["status"]?.string == DeliverableStatus.deliveryPrepared {
            let id = deliverable["bookId"]?.integer ?? 0
            if !known.contains(id) {
                judgement.accuse("copies of book \(id) were prepared, which is not there", history: history(ofBook: id))
            }
            balance[id, default: 0] -= deliverable["quantity"]?.integer ?? 0
        }
        for book in books {
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
        judgement.count("books whose stock adds up", books.count)
    }

    private func history(ofBook id: Int64) -> [String] {
        let inputs = evidence.items(Bookstore.stockInputs.name).filter { $0["bookId"]?.integer == id }
        let taken = deliverables.values.joined().filter { $0["bookId"]?.integer == id }
        return inputs.map { "stockInput: \($0.text)" } + taken.map { "deliverable: \($0.text)" }
    }
}
