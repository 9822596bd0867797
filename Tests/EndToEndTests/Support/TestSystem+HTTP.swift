// What a client does to the system, and what it sees.
import Foundation
import TestSupport
import Wire

@testable import Operations

struct NoAnswer: Error, CustomStringConvertible {
    let description: String
}

extension TestSystem {
    func send(
        _ method: String, _ path: String, _ body: JSONObject? = nil, headers: [(name: String, value: String)] = [],
        to client: HTTPClient? = nil
    ) throws -> HTTPAnswer {
        guard let answer = (client ?? gateway).send(method, path, body: body?.bytes, headers: headers) else {
            throw NoAnswer(description: "\(method) \(path) was not answered")
        }
        return answer
    }

    func get(_ path: String, headers: [(name: String, value: String)] = []) throws -> HTTPAnswer {
        try send("GET", path, headers: headers)
    }

    /// The id of what a POST made, out of `Location`.
    func create(_ path: String, _ body: JSONObject) throws -> Int64 {
        let answer = try send("POST", path, body)
        guard answer.status == 201, let location = answer.header("location"),
            let id = location.split(separator: "/").last.flatMap({ Int64($0) })
        else { throw NoAnswer(description: "POST \(path) \(body.text): \(answer.status) \(answer.text)") }
        return id
    }

    func customer(_ name: String = "hong gil dong") throws -> Int64 {
        try create("/customers", ["customerName": .string(name)])
    }

    func book(_ name: String = "alice in a wonderland", stock: Int64) throws -> Int64 {
        try create("/books", ["bookName": .string(name), "stock": .integer(stock)])
    }

    func order(book: Int64, customer: Int64, quantity: Int64, address: String = "bundang gu") throws -> Int64 {
        try create(
            "/orders",
            [
                "bookId": .integer(book), "customerId": .integer(customer), "quantity": .integer(quantity),
                "deliveryAddress": .string(address),
            ])
    }

    func stockInput(book: Int64, quantity: Int64) throws -> HTTPAnswer {
        try send("POST", "/stockInputs", ["bookId": .integer(book), "quantity": .integer(quantity)])
    }

    /// Waits until the item shows these fields; throws with what it showed last.
    func awaitItem(_ path: String, _ fields: JSONObject, timeout seconds: Double = 20) throws {
        var last = ""
        do {
            try eventually(timeout: seconds, path) {
                // While a process is away a request may stay unanswered: it is asked again.
                guard let answer = try? get(path) else { return false }
                last = "\(answer.status) \(answer.text)"
                let item = answer.json?.object ?? [:]
                return answer.status == 200 && fields.members.allSatisfy { item[$0.name] == $0.value }
            }
        } catch {
            throw NoAnswer(description: "\(path) never showed \(fields.text), last was \(last)")
        }
    }

    /// The items of all pages of a list, filtered by a condition.
    func items(_ collection: String, where condition: (JSON) -> Bool = { _ in true }) throws -> [JSON] {
        let answer = try get("/\(collection)?size=1000")
        let list = answer.json?.array ?? answer.json?["_embedded"][collection].array ?? []
        return list.filter(condition)
    }
}
