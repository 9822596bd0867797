// CNA-F1 to F3: who buys and what is sold.
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct CustomersAndBooks {
        @Test("CNA-F1 create a customer", arguments: Shape.all)
        func cnaF1CreateCustomer(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let answer = try system.send("POST", "/customers", ["customerName": "hong gil dong"])
            #expect(answer.status == 201)
            let id = try #require(answer.json?["customerId"].integer)
            #expect(answer.header("location") == system.url("/customers/\(id)"))
            #expect(answer.json?["customerName"] == "hong gil dong")
            let event = try system.awaitEvent("Registered", "customerId", id)
            #expect(event.object?.names == ["eventType", "timestamp", "customerId"])
        }

        @Test("CNA-F2 change and delete a customer", arguments: Shape.all)
        func cnaF2ChangeAndDeleteCustomer(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let id = try system.customer("bak na re")
            let changed = try system.send("PATCH", "/customers/\(id)", ["customerName": "박나래"])
            #expect(changed.status == 200)
            #expect(changed.json?["customerName"] == "박나래")
            #expect(try system.item("/customers/\(id)")["customerName"] == "박나래")
            #expect(try system.send("PATCH", "/customers/\(id)", ["customerName": "박나래"]).status == 200)
            #expect(try system.send("DELETE", "/customers/\(id)").status == 204)
            expectProblem(try system.get("/customers/\(id)"), 404, naming: String(id))
            expectProblem(try system.send("DELETE", "/customers/\(id)"), 404)
            try system.awaitEvent("Deleted", "customerId", id)
            let types = try system.events().filter { $0["customerId"].integer == id && $0["orderId"].isNull }
                .map { $0["eventType"].string }
            #expect(types == ["Registered", "Changed", "Deleted"], "a change that changes nothing is none")
        }

        @Test("CNA-F3 create and modify a book and its stock", arguments: Shape.all)
        func cnaF3CreateAndModifyBook(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let made = try system.send("POST", "/books", ["bookName": "quobadis?", "stock": "50"])
            #expect(made.status == 201)
            let id = try #require(made.json?["bookId"].integer)
            let link = #"{"href":"\#(system.url("/books/\(id)"))"}"#
            #expect(
                made.text
                    == #"{"bookId":\#(id),"bookName":"quobadis?","stock":50,"_links":{"self":\#(link),"book":\#(link)}}"#,
                "the body of the seed, and the id as a field")
            #expect(try system.send("PATCH", "/books/\(id)", ["stock": 70]).status == 200)
            #expect(try system.item("/books/\(id)")["stock"] == 70)
            let replaced = try system.send("PUT", "/books/\(id)", ["bookName": "Quo vadis?", "stock": 7])
            #expect(replaced.status == 200)
            #expect(try system.item("/books/\(id)")["bookName"] == "Quo vadis?")
            #expect(try system.stock(ofBook: id) == 7)
            expectProblem(try system.send("PATCH", "/books/\(id)", ["stock": -1]), 400, naming: "stock")
            #expect(try system.stock(ofBook: id) == 7)
        }
    }
}
