// X7, original 7: garbage on every topic the workers read. They stay well, and the dead letters are that garbage.
import Foundation
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct HostileTopics {
        private static let garbage = [
            "{}", "[]", "null", "not json", "{\"eventType\":", "{\"eventType\":7}",
            "{\"timestamp\":\"20260101000000\"}", "\u{0}\u{1}\u{2}",
            "{\"eventType\":null,\"orderId\":1}", String(repeating: "[", count: 5_000),
        ]

        @Test("X7 garbage and foreign events on the topic: dead letters, and the flow goes on", arguments: Shape.all)
        func x7GarbageOnTheTopic(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, before) = try system.order(quantity: 1, stock: 100)
            try system.awaitShipped(before)
            let known = Set(try system.deadLetters().map(\.origin))
            for (number, line) in Self.garbage.enumerated() {
                try system.publish(line, to: "cnabookstore", partition: Int64(number) % TestSystem.shards)
            }
            // Foreign events are no garbage: nobody here reacts to them.
            try system.publish(
                #"{"eventType":"PointsEarned","timestamp":"20260101000000"}"#, to: "cnabookstore", partition: 3)
            try system.letEverythingArrive()
            let letters = try system.deadLetters().filter { !known.contains($0.origin) }
            for service in TestSystem.services {
                let own = letters.filter { $0.service == service }
                #expect(own.count == Self.garbage.count, "\(service): \(own)")
                #expect(Set(own.map(\.origin)).count == Self.garbage.count)
                #expect(own.allSatisfy { $0.origin.hasPrefix("cnabookstore/") && !$0.reason.isEmpty })
            }
            try system.awaitShipped(try system.order(book: book, customer: system.customer(), quantity: 1))
        }

        @Test("Original 7: an event that is incomplete or in the wrong place is a dead letter", arguments: Shape.all)
        func original7IncompleteAndMisplaced(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let book = try system.book(stock: 10)
            let known = Set(try system.deadLetters().map(\.origin))
            let orderId: Int64 = 12 * 1_000_000 + 1  // the first shard's, and nobody's
            let whole =
                #"{"eventType":"Ordered","timestamp":"20260101000000","orderId":\#(orderId),"bookId":\#(book),"customerId":1,"quantity":1,"deliveryAddress":"x","orderStatus":"Ordered"}"#
            try system.publish(whole, to: "cnabookstore", partition: 1)
            try system.publish(
                #"{"eventType":"Ordered","timestamp":"20260101000000","orderId":\#(orderId)}"#, to: "cnabookstore",
                partition: 0)
            try system.publish(
                #"{"eventType":"OrderCanceled","timestamp":"20260101000000"}"#, to: "cnabookstore", partition: 0)
            try system.letEverythingArrive()
            let letters = try system.deadLetters().filter { !known.contains($0.origin) }
            #expect(Set(letters.map(\.origin)).count == 3)
            // All who react to `Ordered` and to `OrderCanceled`.
            for service in ["bookinventory", "delivery", "customer"] {
                #expect(letters.filter { $0.service == service }.count == 3, "\(service): \(letters)")
            }
            #expect(try system.stock(ofBook: book) == 10)
            expectProblem(try system.get("/deliveries/\(orderId)"), 404)
            expectProblem(try system.get("/myPages/\(orderId)"), 404)
        }

        @Test("Garbage among the requests and the replies", arguments: Shape.all)
        func garbageAmongRequestsAndReplies(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let known = Set(try system.deadLetters().map(\.origin))
            let headers = [
                [], ["id=x"], ["command=Explode"], ["command=PrepareDelivery"], ["id=y", "method=POST", "path=/books"],
                ["id=z", "method=GET", "path=/", "reply-to=99", "requester=me", "deadline=9999999999999", "call=1"],
                ["id=", "method=BREW", "path=", "reply-to=-1", "requester=", "deadline=x", "call="],
            ]
            for (number, some) in headers.enumerated() {
                for service in TestSystem.services {
                    try system.publish(
                        Self.garbage[number], to: "cnabookstore.\(service).requests", partition: Int64(number),
                        headers: some)
                }
                for partition in 0..<4 {
                    try system.publish(
                        Self.garbage[number], to: "cnabookstore.replies", partition: Int64(partition), headers: some)
                }
            }
            let pids = TestSystem.services.flatMap(system.instances).map { system.pid($0) }
            try system.letEverythingArrive()
            #expect(TestSystem.services.flatMap(system.instances).map { system.pid($0) } == pids, "nobody fell over")
            let letters = try system.deadLetters().filter { !known.contains($0.origin) }
            #expect(letters.allSatisfy { $0.origin.contains(".requests/") }, "\(letters)")
            #expect(letters.count >= 4 * (headers.count - 1), "\(letters)")
            #expect(Set(letters.map(\.origin)).count == letters.count)
        }
    }
}
