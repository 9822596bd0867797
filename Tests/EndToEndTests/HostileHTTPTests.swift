// Requests that no honest client sends, a few thousand of them: never a 5xx, and every refusal says what it refuses.
import Foundation
import TestSupport
import Testing
import Wire

@testable import Operations

extension EndToEnd {
    @Suite struct HostileHTTP {
        enum Kind { case identifier, quantity, stock, text }

        struct Form: Sendable {
            let method: String
            let path: String
            /// Name, kind, whether it must be there, and JSON that is right.
            let fields: [(name: String, kind: Kind, isRequired: Bool, right: String)]
        }

        private static func forms(_ system: TestSystem) throws -> [Form] {
            let (book, order) = try system.order(quantity: 1, stock: 1_000_000)
            try system.awaitShipped(order)
            let customer = try system.customer()
            return [
                Form(method: "POST", path: "/customers", fields: [("customerName", .text, true, #""a""#)]),
                Form(
                    method: "POST", path: "/books",
                    fields: [("bookName", .text, true, #""a""#), ("stock", .stock, true, "1")]),
                Form(
                    method: "PATCH", path: "/books/\(book)",
                    fields: [("bookName", .text, false, #""a""#), ("stock", .stock, false, "9")]),
                Form(
                    method: "POST", path: "/stockInputs",
                    fields: [
                        ("bookId", .identifier, true, "\(book)"), ("quantity", .quantity, true, "1"),
                        ("inCharger", .text, false, #""a""#),
                    ]),
                Form(
                    method: "POST", path: "/orders",
                    fields: [
                        ("bookId", .identifier, true, "\(book)"), ("customerId", .identifier, true, "\(customer)"),
                        ("quantity", .quantity, true, "1"), ("deliveryAddress", .text, false, #""a""#),
                    ]),
                Form(
                    method: "PATCH", path: "/deliveries/\(order)",
                    fields: [("deliveryStatus", .text, false, #""on its way""#)]),
            ]
        }

        /// JSON texts that are wrong for a field of this kind, whatever else is right.
        private static func wrong(_ kind: Kind) -> [String] {
            let shapes = ["{}", "[]", "[1]", #"{"a":1}"#, "true", "false"]
            let numbers = [
                "-1", #""-1""#, "1.5", #""1.9""#, #""abc""#, "99999999999999999999", "0.1",
                #""1e3""#,
                "9223372036854775808", "-9223372036854775809", #""0x10""#, #""\u0000""#, #""１""#,
            ]
            switch kind {
            case .identifier: return shapes + numbers + ["0", #""0""#]
            case .quantity: return shapes + numbers + ["0", "2147483648", #""2147483648""#, "99999999999"]
            case .stock: return shapes + numbers + ["2147483648", #""2147483648""#, "99999999999"]
            case .text:
                return shapes + [
                    "\"\(String(repeating: "x", count: 1_001))\"", "\"\(String(repeating: "書", count: 1_001))\"",
                ]
            }
        }

        @Test("Every field of every resource, wrong in every way: 400 and the field's name", arguments: Shape.all)
        func everyFieldWrong(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            var requests: [(form: Form, body: String, field: String)] = []
            for form in try Self.forms(system) {
                for field in form.fields {
                    let others = form.fields.filter { $0.name != field.name }.map { "\"\($0.name)\":\($0.right)" }
                    var wrong = Self.wrong(field.kind).map { "\"\(field.name)\":\($0)" }
                    if field.isRequired {
                        wrong += ["\"\(field.name)\":null", "\"x\":1", "\"\(field.name.uppercased())\":1"]
                    }
                    for member in wrong {
                        requests.append((form, "{" + ([member] + others).joined(separator: ",") + "}", field.name))
                        requests.append((form, "{" + (others + [member]).joined(separator: ",") + "}", field.name))
                    }
                }
            }
            #expect(requests.count > 400)
            let all = requests
            _ = try atOnce(8) { worker in
                for (number, request) in all.enumerated() where number % 8 == worker {
                    for client in [system.gateway] + (request.form.path == "/orders" ? [system.order] : []) {
                        let answer = try Self.send(
                            client, request.form.method, request.form.path, Array(request.body.utf8))
                        expectProblem(answer, 400, naming: request.field)
                        #expect(answer.body.count < 2_000, "a refused value is not echoed whole")
                    }
                }
            }
        }

        @Test("Texts of every kind come back as they were sent", arguments: Shape.all)
        func textsComeBack(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let texts = [
                "", " ", "a\"b\\c/d", "tab\tnew\nline", "\u{0}\u{1}\u{7f}", "café", "cafe\u{301}", "書店 📚 🏳️‍🌈",
                "\u{202e}abc", "\u{feff}",
                "' OR 1=1; DROP TABLE books; --", "<script>alert(1)</script>", "%s%n${jndi:ldap://x}",
                "\u{10ffff}\u{fffd}",
                String(repeating: "é", count: 1_000), "null", "{}",
            ]
            for text in texts {
                let made = try system.send("POST", "/books", ["bookName": .string(text), "stock": 1])
                if made.status == 400 {
                    expectProblem(made, 400, naming: "bookName")
                    continue
                }
                #expect(made.status == 201, "\(made.text)")
                let id = try #require(made.json?["bookId"].integer)
                let seen = try system.item("/books/\(id)")["bookName"].string ?? ""
                #expect(seen.utf8.elementsEqual(text.utf8), "\(text.debugDescription) became \(seen.debugDescription)")
            }
        }

        @Test("Bodies that are no JSON object, cut off, too deep, too long, of another type", arguments: Shape.all)
        func bodiesThatAreNone(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let whole = #"{"bookName":"é\u00e9😀","stock":"12"}"#
            let bytes = Array(whole.utf8)
            for form in [
                (method: "POST", path: "/books"), (method: "POST", path: "/orders"),
                (method: "POST", path: "/customers"),
            ] {
                for count in 0..<bytes.count {
                    expectProblem(try Self.send(system.gateway, form.method, form.path, Array(bytes[..<count])), 400)
                }
                let garbage: [[UInt8]] = [
                    Array("[]".utf8), Array("null".utf8), Array("\"abc\"".utf8), Array("{}{}".utf8),
                    Array("{\"a\":1,}".utf8),
                    Array("{'a':1}".utf8), Array("{\"a\":01}".utf8), Array("{\"a\":NaN}".utf8),
                    Array("{\"stock\":1e400}".utf8), Array("\u{feff}{".utf8),
                    Array("{\"a\":\"\\ud800\"".utf8), [0xff, 0xfe, 0x7b],
                    [0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d],
                    [0, 0, 0, 0], Array(repeating: 0x5b, count: 100_000),
                    Array(String(repeating: "{\"a\":", count: 50_000).utf8),
                ]
                for body in garbage { expectProblem(try Self.send(system.gateway, form.method, form.path, body), 400) }
                for type in [
                    "text/plain", "application/xml", "application/x-www-form-urlencoded",
                    "multipart/form-data; boundary=x", "a", ";",
                ] {
                    let headers = [(name: "Content-Type", value: type)]
                    expectProblem(try Self.send(system.gateway, form.method, form.path, bytes, headers), 415)
                }
                let long = Array(repeating: UInt8(ascii: " "), count: 1_048_577)
                expectProblem(try Self.send(system.gateway, form.method, form.path, long), 413)
            }
            let twice = try Self.send(
                system.gateway, "POST", "/books", Array(#"{"bookName":"a","stock":-1,"stock":3}"#.utf8))
            #expect(twice.status == 201)
            #expect(twice.json?["stock"] == 3, "the last of equal names counts, as in the original")
        }

        @Test("Random requests to gateway and order: an answer each, and never a 5xx", arguments: Shape.all)
        func randomRequests(shape: Shape) throws {
            let system = try TestSystem.shared(shape)
            let seed = UInt64.random(in: 0...UInt64.max)
            let forms = try Self.forms(system)
            let tellers = try atOnce(8) { worker in
                var random = SplitMix(seed &+ UInt64(worker))
                var statuses: [Int: Int] = [:]
                for number in 0..<120 {
                    let client = Int.random(in: 0..<4, using: &random) == 0 ? system.order : system.gateway
                    let request = Self.random(forms, &random)
                    guard
                        let answer = client.send(
                            request.method, request.path, body: request.body, headers: request.headers)
                    else {
                        Issue.record("no answer, seed \(seed), client \(worker), request \(number): \(request)")
                        continue
                    }
                    statuses[answer.status, default: 0] += 1
                    #expect(
                        answer.status < 500 || answer.status == 501,
                        "seed \(seed), client \(worker), request \(number): \(request) → \(answer.text)")
                    if answer.status >= 400, request.method != "HEAD" {
                        #expect(
                            answer.header("content-type")?.hasPrefix("application/problem+json") == true, "\(request)")
                    }
                }
                return statuses
            }
            #expect(tellers.map { $0.values.reduce(0, +) }.reduce(0, +) == 960)
            try system.letEverythingArrive()
        }

        private struct Request {
            let method, path: String
            let body: [UInt8]?
            let headers: [(name: String, value: String)]
        }

        private static let pieces = [
            "books", "orders", "stockInputs", "myPages", "customers", "deliveries", "deliverables", "1", "2", "0", "-1",
            "abc",
            "search", "profile", "%20", "%00", "%2f", "..", "%F0%9F%93%9A", "9223372036854775808", "", "a;b",
            "openapi.json",
        ]
        private static let queries = [
            "page=1", "page=-1", "page=99999999999999999999", "size=0", "size=abc", "size=100000", "sort=stock,desc",
            "sort=;drop",
            "customerId=1", "customerId=abc", "after=1", "after=x", "a=b&a=c", "%", "=", "&&&",
        ]
        private static let headers: [(name: String, value: String)] = [
            ("Accept", "*/*;q=0"), ("Accept", "text/html"), ("Accept", "application/json;q=x"), ("If-Match", "*"),
            ("If-Match", "\"0\""), ("If-None-Match", "W/\"x\""), ("Idempotency-Key", ""), ("Idempotency-Key", "a b"),
            ("Prefer", "wait=0"), ("Prefer", "wait=-1"), ("traceparent", "00-x"), ("X-Request-Id", "\u{7f}"),
            ("Content-Type", "application/json; charset=latin1"), ("Content-Encoding", "gzip"), ("Origin", "null"),
            ("Expect", "100-continue"), ("X-HTTP-Method-Override", "DELETE"), ("Range", "bytes=0-0"),
        ]

        private static func random(_ forms: [Form], _ random: inout SplitMix) -> Request {
            let methods = ["GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"]
            var method = methods.randomElement(using: &random)!
            var path =
                "/"
                + (0..<Int.random(in: 0...3, using: &random))
                .map { _ in pieces.randomElement(using: &random)! }.joined(separator: "/")
            var body: String?
            if Int.random(in: 0..<2, using: &random) == 0 {
                let form = forms.randomElement(using: &random)!
                (method, path) = (form.method, form.path)
                let members = form.fields.shuffled(using: &random).map { field in
                    let values = wrong(field.kind) + [field.right, field.right, field.right, "null", #"" 7 ""#]
                    return "\"\(field.name)\":\(values.randomElement(using: &random)!)"
                }
                body = "{\(members.joined(separator: ","))}"
                if Int.random(in: 0..<5, using: &random) == 0 {
                    body = String(body!.prefix(Int.random(in: 0..<body!.count, using: &random)))
                }
            }
            if Int.random(in: 0..<3, using: &random) == 0 { path += "?" + queries.randomElement(using: &random)! }
            let some = (0..<Int.random(in: 0...2, using: &random)).map { _ in headers.randomElement(using: &random)! }
            return Request(method: method, path: path, body: body.map { Array($0.utf8) }, headers: some)
        }

        private static func send(
            _ client: HTTPClient, _ method: String, _ path: String, _ body: [UInt8],
            _ headers: [(name: String, value: String)] = []
        ) throws -> HTTPAnswer {
            guard let answer = client.send(method, path, body: body, headers: headers) else {
                throw NoAnswer(description: "\(method) \(path) \(String(decoding: body.prefix(200), as: UTF8.self))")
            }
            return answer
        }
    }
}

/// Random numbers that a failure's message can repeat.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
