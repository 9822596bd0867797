// CNA-N2, N4, X4: a service or the broker is away, and what that costs: time at most.
import Foundation
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct Outages {
        @Test("CNA-N2 without the customer service orders are taken, unverified", arguments: Shape.all)
        func cnaN2CustomerDown(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 10), try system.customer())
            let order = try system.without("customer") {
                let start = ContinuousClock.now
                let order = try system.order(book: book, customer: customer, quantity: 1)
                #expect(ContinuousClock.now - start < .seconds(6), "a named timeout, then the answer")
                #expect(try system.item("/orders/\(order)")["orderStatus"] == "Customer_Not_Verified")
                return order
            }
            try system.letEverythingArrive()
            #expect(try system.history(ofOrder: order) == [])
            #expect(try system.item("/orders/\(order)")["orderStatus"] == "Customer_Not_Verified")
            expectProblem(try system.get("/myPages/\(order)"), 404)
            try system.awaitShipped(try system.order(book: book, customer: customer, quantity: 1))
        }

        @Test("CNA-N4 without delivery orders are prepared, and shipped once it is back", arguments: Shape.all)
        func cnaN4DeliveryDown(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 10), try system.customer())
            let order = try system.without("delivery") {
                let order = try system.order(book: book, customer: customer, quantity: 3)
                try system.awaitItem("/orders/\(order)", ["orderStatus": "Delivery_Prepared"])
                return order
            }
            try system.awaitShipped(order)
            #expect(try system.history(ofOrder: order) == ["Ordered", "DeliveryPrepared", "DeliveryStatusChanged"])
            #expect(try system.stock(ofBook: book) == 7)
        }

        @Test(
            "CNA-N4 without the inventory: new orders are unverified, cancels wait for it in the log",
            arguments: Shape.all)
        func cnaN4InventoryDown(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, waiting) = try system.order(quantity: 5, stock: 1)
            try system.awaitLacking(waiting)
            let customer = try system.customer()
            let unverified = try system.without("bookinventory") {
                #expect(try system.send("DELETE", "/orders/\(waiting)").status == 204)
                try system.awaitItem("/myPages/\(waiting)", ["orderStatus": "CANCELED"])
                return try system.order(book: book, customer: customer, quantity: 1)
            }
            try system.awaitDeliverable(ofOrder: waiting, "DeliveryCanceled")
            #expect(try system.item("/orders/\(unverified)")["orderStatus"] == "Book_Not_Verified")
            #expect(try system.history(ofOrder: unverified) == [])
            #expect(try system.stock(ofBook: book) == 1)
        }

        @Test("X4 the broker hangs: the order is answered late, and exactly one event appears", arguments: Shape.all)
        func x4BrokerHangs(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 10), try system.customer())
            let pid = try #require(system.pid("broker-0"))
            Foundation.kill(pid, SIGSTOP)
            Thread.detachNewThread {
                sleep(3)  // what is tested is time: how long the broker is away
                Foundation.kill(pid, SIGCONT)
            }
            let order = try system.order(book: book, customer: customer, quantity: 1)
            try system.awaitShipped(order)
            #expect(try system.events("Ordered", "customerId", customer).count == 1)
        }

        @Test(
            "X4, original 4: the broker is away beyond every deadline: no false 201, nothing lost, nothing twice",
            arguments: Shape.all)
        func x4BrokerAwayForLong(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 10), try system.customer())
            let body: JSONObject = ["bookId": .integer(book), "customerId": .integer(customer), "quantity": 1]
            let key = [(name: "Idempotency-Key", value: "away-\(customer)-\(UUID().uuidString)")]
            var patient = system.gateway
            patient.timeoutMilliseconds = 30_000
            try system.whileHanging(["broker-0"]) {
                let answer = try system.send("POST", "/orders", body, headers: key, to: patient)
                #expect(answer.status == 503 || answer.status == 504, "\(answer.status) \(answer.text)")
                expectProblem(answer, answer.status)
            }
            var order: Int64 = 0
            try eventually(timeout: 60, "the same request is answered", every: 250) {
                guard let answer = try? system.send("POST", "/orders", body, headers: key, to: patient),
                    answer.status == 201, let id = answer.json?["orderId"].integer
                else { return false }
                order = id
                return true
            }
            try system.awaitItem("/orders/\(order)", ["orderStatus": "Shipped"], timeout: 40)
            #expect(try system.events("Ordered", "customerId", customer).count == 1)
            #expect(try system.stock(ofBook: book) == 9)
        }

        @Test("Original 5: a hanging customer service costs a named timeout, not a minute", arguments: Shape.all)
        func original5CustomerHangs(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 10), try system.customer())
            let order = try system.whileHanging(system.instances(of: "customer")) {
                let start = ContinuousClock.now
                let order = try system.order(book: book, customer: customer, quantity: 1)
                #expect(ContinuousClock.now - start < .seconds(6))
                return order
            }
            #expect(try system.item("/orders/\(order)")["orderStatus"] == "Customer_Not_Verified")
            // The circuit may be open for a moment after such a thing.
            try eventually(timeout: 20, "customers are known again", every: 200) {
                let next = try system.order(book: book, customer: customer, quantity: 1)
                return try system.item("/orders/\(next)")["orderStatus"] != "Customer_Not_Verified"
            }
        }
    }
}
