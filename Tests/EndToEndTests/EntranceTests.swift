// CNA-N1, O1, O7, O8: the one entrance, and what operators try there.
import Foundation
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct Entrance {
        static let collections = [
            "customers", "myPages", "books", "deliverables", "stockInputs", "orders", "deliveries",
        ]

        @Test(
            "CNA-O1 all seven collections answer; N1 through one entrance, and nothing else does", arguments: Shape.all)
        func cnaO1N1AllCollections(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            for collection in Self.collections {
                for path in ["/\(collection)", "/\(collection)/"] {
                    #expect(try system.get(path).status == 200, "\(path)")
                }
            }
            let root = try system.item("/")["_links"].object?.names ?? []
            #expect(Set(root) == Set(Self.collections + ["profile"]))
            expectProblem(try system.get("/points"), 404, naming: "/points")
            // Of the services only order listens, and only for its own.
            #expect(try system.send("GET", "/orders", to: system.order).status == 200)
            expectProblem(try system.send("GET", "/books", to: system.order), 404)
            for instance in ["customer-0", "bookinventory-0", "delivery-0"] {
                let sockets = Self.listeningSockets(of: try #require(system.pid(instance)))
                #expect(sockets == 0, "\(instance) listens")
            }
            #expect(Self.listeningSockets(of: try #require(system.pid("gateway-0"))) == 1)
        }

        /// How many of a process's descriptors are sockets that the kernel lists as listening.
        private static func listeningSockets(of pid: pid_t) -> Int {
            let listening = ["tcp", "tcp6"].flatMap { file -> [Substring] in
                let lines = ((try? String(contentsOfFile: "/proc/net/\(file)", encoding: .utf8)) ?? "").split(
                    separator: "\n")
                return lines.map { $0.split(separator: " ") }.filter { $0.count > 9 && $0[3] == "0A" }.map { $0[9] }
            }
            let folder = "/proc/\(pid)/fd"
            let open = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            let targets = open.compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
            }
            return targets.filter { target in listening.contains { target == "socket:[\($0)]" } }.count
        }

        @Test("CNA-O8 scripts of any origin may call", arguments: Shape.all)
        func cnaO8CrossOrigin(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let origin = (name: "Origin", value: "http://example.com")
            for collection in Self.collections {
                let plain = try system.get("/\(collection)", headers: [origin])
                #expect(plain.header("access-control-allow-origin") == "http://example.com")
                #expect(plain.header("access-control-allow-credentials") == "true")
                let preflight = try system.send(
                    "OPTIONS", "/\(collection)",
                    headers: [
                        origin, (name: "Access-Control-Request-Method", value: "POST"),
                        (name: "Access-Control-Request-Headers", value: "content-type,x-mine"),
                    ])
                #expect(preflight.status == 200)
                #expect(preflight.header("access-control-allow-methods") == "POST")
                #expect(preflight.header("access-control-allow-headers") == "content-type,x-mine")
            }
        }

        @Test("CNA-O7 the circuit of /selectDeliveryInfo opens after 5 s and closes after 10 s more")
        func cnaO7CircuitBreaker() throws {
            let system = try TestSystem.shared(Shape.all[0])
            let (_, order) = try system.order(quantity: 1, stock: 1)
            try system.awaitShipped(order)
            #expect(try system.get("/selectDeliveryInfo?deliveryId=\(order)").text == "Shipped")

            let start = ContinuousClock.now
            #expect(try system.get("/selectDeliveryInfo?deliveryId=0").text == "CircuitBreaker!!!")
            let waited = ContinuousClock.now - start
            #expect(waited > .milliseconds(4_800) && waited < .milliseconds(7_000), "\(waited)")

            let open = ContinuousClock.now
            let answer = try system.get("/selectDeliveryInfo?deliveryId=\(order)")
            #expect(answer.status == 200)
            #expect(answer.text == "CircuitBreaker!!!")
            #expect(ContinuousClock.now - open < .seconds(2), "an open circuit answers at once")
            try eventually(timeout: 15, "the circuit closes", every: 250) {
                try system.get("/selectDeliveryInfo?deliveryId=\(order)").text == "Shipped"
            }
            #expect(ContinuousClock.now - open > .milliseconds(9_000))
            #expect(try system.get("/circuitBreaker?isYn=Y").text == "CircuitBreaker!!!")
            #expect(try system.get("/circuitBreaker?isYn=N").text == " SUCCESS!!!")
        }

        @Test("order's own entrance: health, zombie, and its customer check", arguments: Shape.all)
        func ordersOwnEntrance(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let customer = try system.customer()
            let verified = try system.send("GET", "/orderService/verifyCustomer/\(customer)", to: system.order)
            #expect(verified.status == 200)
            #expect(verified.text == "Success...............")
            expectProblem(
                try system.send("GET", "/orderService/verifyCustomer/999999999999", to: system.order), 404)
            #expect(try system.send("GET", "/isHealthy", to: system.order).status == 200)
            let old = try #require(system.pid("order-0"))
            #expect(try system.send("GET", "/makeZombie", to: system.order).status == 200)
            let zombie = try system.send("GET", "/isHealthy", to: system.order)
            #expect(zombie.status == 500)
            #expect(zombie.text.contains("zombie....."))
            // Nobody kills it here: the supervisor notices, as the kubelet would.
            try system.awaitRestart("order-0", after: old)
            try eventually(timeout: 20, "a new process is no zombie") {
                (try? system.send("GET", "/isHealthy", to: system.order).status) == 200
            }
        }
    }
}
