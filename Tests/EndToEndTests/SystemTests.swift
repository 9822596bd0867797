// X1 to X3, X5, X7 to X9: what holds for every system of the seeds, shown on this one.
import Foundation
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct AllSystems {
        private static let eventTypes: Set<String> = [
            "Registered", "Changed", "Deleted", "Ordered", "OrderCanceled", "DeliveryPrepared", "DeliveryStatusChanged",
        ]

        @Test("X1, X8 every line of the topic is an event of this system in its envelope", arguments: Shape.all)
        func x1X8EnvelopeOfEvents(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (_, order) = try system.order(quantity: 1, stock: 1)
            try system.awaitShipped(order)
            let headers = "%k|%p|%h|%s\\n"
            let result = try Tool.run(
                "kcat", ["-C", "-b", system.bootstrap, "-t", "cnabookstore", "-e", "-q", "-f", headers])
            #expect(result.status == 0, "\(result.errors)")
            let lines = result.output.split(separator: "\n").map {
                $0.split(separator: "|", maxSplits: 3).map(String.init)
            }
            // The customer's, and the three of the order.
            #expect(lines.count >= 4)
            for line in lines where line.count == 4 && line[2].contains("ce_type=") {
                let event = try JSON(parsing: Array(line[3].utf8))
                #expect(Array((event.object?.names ?? []).prefix(2)) == ["eventType", "timestamp"])
                let timestamp = event["timestamp"].string ?? ""
                #expect(timestamp.count == 14 && timestamp.allSatisfy(\.isNumber), "\(line)")
                #expect(Self.eventTypes.contains(event["eventType"].string ?? ""), "\(line)")
                #expect(event["me"].isNull)
                let subject = event["orderId"].integer ?? event["customerId"].integer ?? 0
                #expect(line[0] == String(subject))
                #expect(line[1] == String((subject - 1) % TestSystem.shards))
                #expect(line[2].contains("ce_type=\(event["eventType"].string ?? "?")"))
                for header in [
                    "ce_specversion=1.0", "ce_id=", "ce_source=/", "ce_time=", "traceparent=00-", "correlationid=",
                ] {
                    #expect(line[2].contains(header), "\(header) is missing in \(line[2])")
                }
            }
        }

        @Test("X2 numbers as text, a slash at the end, fields nobody knows", arguments: Shape.all)
        func x2Coercion(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let book = try system.send(
                "POST", "/books/", ["bookName": "alice", "stock": "100", "orederId": "1", "inventor": ["a": 1]])
            #expect(book.status == 201)
            #expect(book.json?["stock"] == 100)
            #expect(book.json?["orederId"].isNull == true)
            let id = try #require(book.json?["bookId"].integer)
            #expect(try system.get("/books/\(id)/").status == 200)
            let customer = try system.customer()
            let order = try system.send(
                "POST", "/orders/",
                [
                    "bookId": .string(String(id)), "customerId": .string(" \(customer) "), "quantity": "50",
                    "deliveryAddress": "bundang gu", "status": "x",
                ])
            #expect(order.status == 201, "\(order.text)")
            #expect(order.json?["quantity"] == 50)
            #expect(order.json?["orderStatus"] == "Ordered")
        }

        @Test("X3 shapes and codes of HAL", arguments: Shape.all)
        func x3HAL(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let id = try system.book("x3", stock: 1)
            let item = try system.get("/books/\(id)")
            #expect(item.header("content-type") == "application/hal+json;charset=UTF-8")
            #expect(item.json?["_links"]["self"]["href"] == .string(system.url("/books/\(id)")))
            // The newest book need not have the highest id: each shard counts for itself.
            let list = try system.item("/books?size=1000&sort=bookId,desc")
            let ids = list["_embedded"]["books"].array?.compactMap { $0["bookId"].integer } ?? []
            #expect(ids.contains(id) && ids == ids.sorted(by: >))
            let links = list["_links"].object?.names ?? []
            #expect(links.contains("self") && links.contains("profile"))
            #expect(list["page"].object?.names == ["size", "totalElements", "totalPages", "number"])
            let plain = try system.get("/stockInputs")
            #expect(plain.json?.array != nil, "a bare array")
            for collection in Entrance.collections { expectProblem(try system.get("/\(collection)/999999999999"), 404) }
        }

        @Test("X5, original 2: an event that comes twice changes nothing", arguments: Shape.all)
        func x5DuplicateEvents(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, order) = try system.order(quantity: 3, stock: 10)
            try system.awaitShipped(order)
            for event in try system.events().filter({ $0["orderId"].integer == order }) {
                try system.publishEvent(event.text, ofOrder: order)
            }
            try system.letEverythingArrive()
            #expect(try system.stock(ofBook: book) == 7)
            for collection in ["deliverables", "deliveries", "myPages"] {
                #expect(try system.rows(collection, ofOrder: order).count == 1, "\(collection)")
            }
            #expect(try system.item("/orders/\(order)")["orderStatus"] == "Shipped")
            #expect(
                try system.history(ofOrder: order).filter { $0 != "Ordered" }.count == 4,
                "two of ours and the two we repeated: the repeats caused no further ones")
        }

        @Test(
            "X9 a service sees neither Kafka nor SQLite nor another service, and opens no other's files",
            arguments: Shape.all)
        func x9ContextsApart(shape: Shape) throws {
            let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("Sources/Bookstore").path
            let allowed: Set<Substring> = [
                "Worker", "BookstoreContracts", "Contract", "Wire", "Platform", "Synchronization",
            ]
            for folder in ["Customer", "BookInventory", "Order", "Delivery"] {
                let files = try FileManager.default.contentsOfDirectory(atPath: "\(sources)/\(folder)")
                #expect(!files.isEmpty)
                for file in files {
                    let text = try String(contentsOfFile: "\(sources)/\(folder)/\(file)", encoding: .utf8)
                    for line in text.split(separator: "\n") {
                        let words = line.split(separator: " ")
                        guard let place = words.firstIndex(of: "import"), place <= 1, words.count > place + 1 else {
                            continue
                        }
                        #expect(allowed.contains(words[place + 1]), "\(folder)/\(file): \(line)")
                    }
                }
            }
            let system = try TestSystem.shared(shape)
            for instance in TestSystem.services.flatMap(system.instances) {
                let own = system.run.path + "/data/\(instance)/"
                let pid = try #require(system.pid(instance))
                let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")
                    .compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)") }
                    .filter { $0.contains(".sqlite") }
                #expect(!open.isEmpty, "\(instance)")
                #expect(
                    open.allSatisfy { $0.hasPrefix(own.replacingOccurrences(of: "//", with: "/")) },
                    "\(instance): \(open)")
            }
        }
    }
}
