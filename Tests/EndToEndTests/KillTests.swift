// X6: every service is killed with SIGKILL right after every event of the three paths; the end is the same as ever.
import Foundation
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct Kills {
        /// The moment right after an event of a path.
        enum Seam: String, CaseIterable, CustomTestStringConvertible {
            case happyOrdered, happyPrepared, happyShipped
            case shortageOrdered, shortagePrepared, shortageShipped
            case cancelOrdered, cancelCanceled, cancelDelivery
            var testDescription: String { rawValue }
        }

        /// What a path is told and what it has in the end.
        private final class Path {
            let system: TestSystem
            let tap: EventTap
            let book: Int64
            let customer: Int64
            let victim: String
            var dead: [(instance: String, pid: pid_t)] = []

            init(_ system: TestSystem, _ tap: EventTap, victim: String) throws {
                self.system = system
                self.tap = tap
                self.victim = victim
                book = try system.book(stock: 100)
                customer = try system.customer()
            }

            func order(_ quantity: Int64) throws -> Int64 {
                try system.order(book: book, customer: customer, quantity: quantity)
            }

            func after(_ event: String, _ order: Int64, status: String? = nil, kill: Bool) throws {
                try tap.await(event, order: order, status: status)
                if kill { dead += try system.killAll(victim) }
            }

            func finish(_ history: [String], stock: Int64, order: Int64) throws {
                try system.awaitRestart(dead)
                #expect(tap.history(ofOrder: order) == history)
                try system.awaitItem("/books/\(book)", ["stock": .integer(stock)])
            }
        }

        private static let shippedHistory = ["Ordered", "DeliveryPrepared", "DeliveryStatusChanged"]

        @Test(
            "X6 kill one service after each event of the happy, the shortage and the cancel path",
            arguments: Shape.all, TestSystem.services + ["gateway"])
        func x6KillAfterEachEvent(shape: Shape, victim: String) throws {
            let system = try TestSystem.shared(shape)
            let tap = try EventTap(system)
            defer { tap.close() }
            for seam in Seam.allCases {
                let path = try Path(system, tap, victim: victim)
                switch seam {
                case .happyOrdered, .happyPrepared, .happyShipped: try happy(path, seam)
                case .shortageOrdered, .shortagePrepared, .shortageShipped: try shortage(path, seam)
                case .cancelOrdered, .cancelCanceled, .cancelDelivery: try cancel(path, seam)
                }
            }
        }

        private func happy(_ path: Path, _ seam: Seam) throws {
            let order = try path.order(60)
            try path.after("Ordered", order, kill: seam == .happyOrdered)
            try path.after("DeliveryPrepared", order, kill: seam == .happyPrepared)
            try path.after("DeliveryStatusChanged", order, kill: seam == .happyShipped)
            try path.system.awaitShipped(order)
            try path.finish(Self.shippedHistory, stock: 40, order: order)
        }

        private func shortage(_ path: Path, _ seam: Seam) throws {
            let order = try path.order(150)
            try path.after("Ordered", order, kill: seam == .shortageOrdered)
            try path.system.awaitRestart(path.dead)
            try path.system.awaitLacking(order)
            #expect(try path.system.stockInput(book: path.book, quantity: 70).status == 200)
            try path.after("DeliveryPrepared", order, kill: seam == .shortagePrepared)
            try path.after("DeliveryStatusChanged", order, kill: seam == .shortageShipped)
            try path.system.awaitShipped(order)
            try path.finish(Self.shippedHistory, stock: 20, order: order)
        }

        private func cancel(_ path: Path, _ seam: Seam) throws {
            let order = try path.order(101)
            try path.after("Ordered", order, kill: seam == .cancelOrdered)
            try path.system.awaitRestart(path.dead)
            try path.system.awaitLacking(order)
            #expect(try path.system.send("DELETE", "/orders/\(order)").status == 204)
            try path.after("OrderCanceled", order, kill: seam == .cancelCanceled)
            try path.after("DeliveryStatusChanged", order, kill: seam == .cancelDelivery)
            try path.system.awaitItem(
                "/myPages/\(order)", ["orderStatus": "CANCELED", "deliveryStatus": "CancelDelivery"])
            try path.system.awaitDeliverable(ofOrder: order, "DeliveryCanceled")
            try path.finish(["Ordered", "OrderCanceled", "DeliveryStatusChanged"], stock: 100, order: order)
        }
    }
}
