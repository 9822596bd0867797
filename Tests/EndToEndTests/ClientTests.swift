// The clients people have, with the lines of the seeds' documents.
import Foundation
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct Clients {
        @Test(
            "httpie: the lines of the seed, word for word",
            .enabled(if: Tool.isThere("http"), "httpie is not installed"),
            arguments: Shape.all)
        func httpie(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            func http(_ words: String...) throws -> JSON {
                let result = try Tool.run("http", ["--ignore-stdin", "--check-status", "--body"] + words)
                #expect(result.status == 0, "http \(words): \(result.output)\(result.errors)")
                return try JSON(parsing: Array(result.output.utf8))
            }
            let hong =
                try http("POST", system.url("/customers"), "customerName=hong gil dong")["customerId"].integer ?? 0
            let bak = try http("POST", system.url("/customers"), "customerName=bak na re")["customerId"].integer ?? 0
            let alice = try http("POST", system.url("/books"), "bookName=alice in a wonderland", "stock=100")
            let book = alice["bookId"].integer ?? 0
            #expect(alice["stock"] == 100)
            let first = try http(
                "POST", system.url("/orders"), "bookId=\(book)", "customerId=\(hong)", "deliveryAddress=bundang gu",
                "quantity=50")
            try system.awaitShipped(first["orderId"].integer ?? 0)
            let second = try http(
                "POST", system.url("/orders"), "bookId=\(book)", "customerId=\(bak)", "deliveryAddress=incheon si",
                "quantity=100")
            try system.awaitLacking(second["orderId"].integer ?? 0)
            _ = try http("POST", system.url("/stockInputs"), "bookId=\(book)", "quantity=200")
            try system.awaitShipped(second["orderId"].integer ?? 0)
            #expect(try system.stock(ofBook: book) == 150)
            for collection in Entrance.collections { _ = try http(system.url("/\(collection)")) }
        }

        @Test("curl: keep-alive, head, chunks, compression it may offer", arguments: Shape.all)
        func curl(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let book = system.url("/books/\(try system.book(stock: 1))")
            let result = try Tool.run(
                "curl",
                [
                    "-sS", "--compressed", "-w", "%{http_code} %{num_connects} ", book, book, "-o", "/dev/null", "-o",
                    "/dev/null",
                ])
            #expect(result.output == "200 1 200 0 ", "\(result.output)\(result.errors)")
            let head = try Tool.run("curl", ["-sSI", book])
            #expect(head.output.hasPrefix("HTTP/1.1 200"))
            let chunked = try Tool.run(
                "curl",
                [
                    "-sS", "-H", "Transfer-Encoding: chunked", "-H", "Content-Type: application/json", "-d", "@-",
                    system.url("/books"),
                ], input: #"{"bookName":"in pieces","stock":1}"#)
            #expect(chunked.output.contains("in pieces"), "\(chunked.output)\(chunked.errors)")
        }

        @Test("CNA-O2 kcat and the Java console consumer read every event from the beginning", arguments: Shape.all)
        func cnaO2ConsoleConsumer(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (_, order) = try system.order(quantity: 1, stock: 1)
            try system.awaitShipped(order)
            let kcat = try Tool.run(
                "kcat", ["-C", "-b", system.bootstrap, "-t", "cnabookstore", "-o", "beginning", "-e", "-q"])
            let own = kcat.output.split(separator: "\n").filter {
                $0.contains("\"orderId\":\(order),") || $0.contains("\"orderId\":\(order)}")
            }
            #expect(own.count == 3, "\(own)")
            guard let home = Shape.kafkaHome else { return }
            // It ends when nothing came for a while; on a busy machine that may be before the first record.
            var java = TestSystem.Result(status: 0, output: "", errors: "")
            for patienceMilliseconds in [8000, 30_000, 90_000] {
                java = try Tool.run(
                    home + "/bin/kafka-console-consumer.sh",
                    [
                        "--bootstrap-server", system.bootstrap, "--topic", "cnabookstore", "--from-beginning",
                        "--timeout-ms", String(patienceMilliseconds), "--isolation-level", "read_committed",
                    ])
                let lines = Set(java.output.split(separator: "\n"))
                if own.allSatisfy({ lines.contains($0) }) { return }
            }
            Issue.record("\(own) not all in \(java.output.suffix(500))\(java.errors.suffix(500))")
        }

        /// When its time is up siege cancels its threads, and now and then one of them takes a lock with it: all others
        /// then wait for ever. That is siege's own, so it is asked again.
        private func siege(_ arguments: [String], home: String) throws -> TestSystem.Result {
            for _ in 0..<2 {
                do {
                    return try Tool.run("siege", arguments, environment: ["HOME": home], timeoutSeconds: 30)
                } catch is NeverHappened {}
            }
            return try Tool.run("siege", arguments, environment: ["HOME": home], timeoutSeconds: 30)
        }

        @Test(
            "siege: the lines of the seed, shorter, at 100 % availability",
            .enabled(if: Tool.isThere("siege"), "siege is not installed"), arguments: Shape.all)
        func siege(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let (book, customer) = (try system.book(stock: 2_000_000), try system.customer())
            let order =
                #"POST {"bookId":"\#(book)","customerId":"\#(customer)","quantity":"1","deliveryAddress":"seoul"}"#
            let lines = [
                ["-c10", "-t3S", system.url("/books/")],
                ["-c2", "-t2S", system.url("/orders")],
                ["-c100", "-t4S", "--content-type", "application/json", system.url("/orders ") + order],
            ]
            for line in lines {
                try withTemporaryDirectory { home in
                    let settings = "verbose = false\nlogging = false\njson_output = true\nlimit = 255\n"
                    try settings.write(toFile: home + "/siege.conf", atomically: true, encoding: .utf8)
                    let result = try siege(["-R", home + "/siege.conf"] + line, home: home)
                    let brace = result.output.firstIndex(of: "{") ?? result.output.startIndex
                    let report = try JSON(parsing: Array(result.output[brace...].utf8))
                    #expect(report["availability"].text.hasPrefix("100"), "\(line): \(result.output)\(result.errors)")
                    #expect(report["failed_transactions"] == 0)
                    #expect((report["transactions"].integer ?? 0) > 0, "\(result.output)")
                }
            }
            // What was answered was taken; all of it comes to its end.
            try eventually(timeout: 90, "all are shipped", every: 500) {
                let taken = try system.item("/orders?size=1")["page"]["totalElements"].integer ?? 0
                let stock = try system.stock(ofBook: book)
                let last = try system.item("/myPages?customerId=\(customer)&size=1000&sort=orderId,desc")
                let rows = last["_embedded"]["myPages"].array ?? []
                return taken > 0 && stock < 2_000_000 && rows.allSatisfy { $0["orderStatus"] == "Shipped" }
                    && last["page"]["totalElements"].integer == 2_000_000 - stock
            }
        }
    }
}
