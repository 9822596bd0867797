// What a test looks at: rows by what they mean, and the events by what they say.
import Foundation
import TestSupport
import Testing
import Wire

@testable import Operations

extension TestSystem {
    static let shards: Int64 = 12

    func url(_ path: String) -> String { "http://\(gateway.address)\(path)" }

    /// An item that must be there.
    func item(_ path: String) throws -> JSON {
        let answer = try get(path)
        guard answer.status == 200, let item = answer.json else {
            throw NoAnswer(description: "GET \(path): \(answer.status) \(answer.text)")
        }
        return item
    }

    func stock(ofBook id: Int64) throws -> Int64 {
        guard let stock = try item("/books/\(id)")["stock"].integer else {
            throw NoAnswer(description: "book \(id) has no stock")
        }
        return stock
    }

    /// Rows of a list about an order, newest first; lists hold what other tests made, too.
    func rows(_ collection: String, ofOrder id: Int64) throws -> [JSON] {
        let list = try item("/\(collection)?size=1000&sort=orderId,desc")
        return (list["_embedded"][collection].array ?? []).filter { $0["orderId"].integer == id }
    }

    func deliverable(ofOrder id: Int64) throws -> JSON? { try rows("deliverables", ofOrder: id).first }

    func awaitDeliverable(ofOrder id: Int64, _ status: String) throws {
        var last = "nothing"
        do {
            try eventually(timeout: 20, every: 20) {
                let row = try? deliverable(ofOrder: id)
                last = row?.text ?? last
                return row?["status"].string == status
            }
        } catch {
            throw NoAnswer(description: "the deliverable of order \(id) never was \(status), last seen: \(last)")
        }
    }

    func awaitShipped(_ order: Int64) throws {
        try awaitItem("/orders/\(order)", ["orderStatus": "Shipped"])
        try awaitItem("/myPages/\(order)", ["orderStatus": "Shipped", "deliveryStatus": "Shipped"])
    }

    /// An order that waits, as all four services see it.
    func awaitLacking(_ order: Int64) throws {
        try awaitDeliverable(ofOrder: order, "Stock_Lacked")
        try awaitItem("/deliveries/\(order)", ["deliveryStatus": "CreateDelivery"])
        try awaitItem("/myPages/\(order)", ["orderStatus": "Ordered"])
    }

    /// A book, a customer and an order for it, as most stories begin.
    func order(quantity: Int64, stock: Int64) throws -> (book: Int64, order: Int64) {
        let book = try book(stock: stock)
        return (book, try order(book: book, customer: customer(), quantity: quantity))
    }

    /// What every order ends in when nobody cancels it: a small one is made and shipped, so that whatever was on its way
    /// before, in any shard of the order and its book, has arrived.
    func letEverythingArrive() throws {
        let book = try book(stock: 100)
        let customer = try customer()
        let orders = try (0..<Self.shards).map { _ in try order(book: book, customer: customer, quantity: 1) }
        for order in orders { try awaitShipped(order) }
    }
}

/// A refusal as every client may rely on it.
func expectProblem(
    _ answer: HTTPAnswer, _ status: Int, naming word: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
    #expect(
        answer.header("content-type")?.hasPrefix("application/problem+json") == true, "\(answer.text)",
        sourceLocation: sourceLocation)
    #expect(answer.json?["status"].integer == Int64(status), sourceLocation: sourceLocation)
    let detail = answer.json?["detail"].string ?? ""
    #expect(!detail.isEmpty, sourceLocation: sourceLocation)
    if let word { #expect(detail.contains(word), "\(detail)", sourceLocation: sourceLocation) }
}
