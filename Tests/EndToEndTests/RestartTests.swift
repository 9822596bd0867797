// Everything ends, on purpose or not, in the middle of work: state, sagas and ids go on where they were.
import Foundation
import Platform
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct Restarts {
        @Test("Original 10: after down and up ids go on and old rows are there", arguments: Shape.all)
        func original10IdsGoOn(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, order) = try system.order(quantity: 1, stock: 10)
            try system.awaitShipped(order)
            let before = Set(try system.items("orders").compactMap { $0["orderId"].integer })
            try system.down()
            try system.up()
            try system.awaitShipped(order)
            #expect(try system.stock(ofBook: book) == 9)
            for _ in 0..<3 {
                let next = try system.order(book: book, customer: system.customer(), quantity: 1)
                #expect(!before.contains(next), "a new id, not \(next) again")
                try system.awaitShipped(next)
            }
        }

        @Test("Several first ups at once: one starts, the others wait until it is ready and say where it is")
        func severalUpsAtOnce() throws {
            let system = try TestSystem(Shape.all[0])
            defer { system.end() }
            try system.down()
            removeDirectory(system.run.path)
            let results = try atOnce(4) { _ in try system.bookstore("up", "--detach") }
            #expect(results.map(\.status) == [0, 0, 0, 0], "\(results)")
            #expect(results.count { $0.output.contains("Ready in") } == 1)
            let others = results.filter { !$0.output.contains("Ready in") }
            for other in others {
                #expect(other.output.contains("cnabookstore is already running in \(system.run.path)"))
                #expect(other.output.contains("gateway-0  http://\(system.gateway.address)"))
            }
            #expect(system.gateway.send("GET", "/health/ready")?.status == 200)
        }

        /// The other one may be the one that has the directory: whoever waits for it must not wait for ever.
        @Test("Who waits for a start that comes to nothing says so")
        func upsThatComeToNothing() throws {
            let system = try TestSystem.shared(Shape.all[0])
            try withTemporaryDirectory { directory in
                let log = RunDirectory(directory).logFile("supervisor-0")
                let nowhere = [
                    "KAFKA_BOOTSTRAP": "127.0.0.1:1", "UP_WAIT_MS": "3000", "GATEWAY_PORT": "0", "ORDER_PORT": "0",
                ]
                let results = try atOnce(2) { _ in
                    try system.bookstore("up", "--detach", "--run-dir", directory, environment: nowhere)
                }
                #expect(results.map(\.status) == [1, 1], "\(results)")
                #expect(results.count { $0.output.contains("does not answer in time") } == 1)
                #expect(
                    results.count { $0.errors.contains("did not get ready: \(log) says why") } == 1, "\(results)")
            }
        }

        @Test(
            "With fewer processes than before, up waits for the shards of those that are gone",
            arguments: [Shape.all[0]])
        func fewerProcessesThanBefore(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let book = try system.book(stock: 3)
            try system.down()
            #expect(try system.bookstore("up", "--detach", "--replicas", "bookinventory=3,order=2").status == 0)
            try system.down()
            try system.up()
            // All shards are asked for a list: without an owner each it would not be answered before its deadline.
            let started = Clock.monotonicMilliseconds()
            #expect(try system.items("books").contains { $0["bookId"].integer == book })
            #expect(Clock.monotonicMilliseconds() - started < 5_000)
        }

        @Test(
            "SIGKILL of every process at once, supervisor and broker too, in the middle of sagas", arguments: Shape.all)
        func killEverythingAtOnce(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 1_000), try system.customer())
            let orders = try (0..<20).map { _ in try system.order(book: book, customer: customer, quantity: 2) }
            let supervisor = try #require(SupervisorLock.holder(system.run))
            let pids = FileSystem.list(system.run.pidsFolder).compactMap { system.pid($0) }
            for pid in [supervisor] + pids { Foundation.kill(pid, SIGKILL) }
            try eventually("nothing is left") { pids.allSatisfy { !ProcessFacts($0).isAlive } }
            try system.up()
            for order in orders {
                try system.awaitShipped(order)
                #expect(try system.history(ofOrder: order) == ["Ordered", "DeliveryPrepared", "DeliveryStatusChanged"])
            }
            #expect(try system.stock(ofBook: book) == 960)
        }
    }
}
