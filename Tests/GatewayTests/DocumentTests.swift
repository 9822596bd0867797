// The documents describe what is served: every reference leads somewhere, every route is described and answers.
import BookstoreContracts
import Contract
import Testing
import Wire

@testable import Gateway
@testable import Worker

@Suite struct DocumentTests {
    private static let system = Bookstore.system
    private let open = JSON.object(OpenAPI.document(system: system, services: system.services))
    private let async = JSON.object(AsyncAPI.document(system: system))

    @Test("Every reference leads to something")
    func references() {
        for document in [open, async] {
            for reference in Self.references(document) {
                let target = reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] }
                #expect(!target.isNull, "\(reference)")
            }
        }
    }

    @Test("Nothing is described that is nowhere used")
    func unusedComponents() {
        let used = Set(Self.references(open))
        for (kind, components) in open["components"].object?.members ?? [] {
            for name in components.object?.names ?? [] {
                #expect(used.contains("#/components/\(kind)/\(name)"), "\(kind)/\(name)")
            }
        }
    }

    private static func references(_ value: JSON) -> [String] {
        switch value {
        case .array(let items): items.flatMap(references)
        case .object(let object):
            object.members.flatMap { name, value in
                name == "$ref" ? [value.string].compactMap(\.self) : references(value)
            }
        default: []
        }
    }

    @Test("What is served is described, with the methods of the contract, and nothing else")
    func routes() {
        let router = Bench().edge.router
        let described = open["paths"].object?.names ?? []
        #expect(Set(described) == Set(router.routes.map(\.template)))
        for route in router.routes {
            let methods = (open["paths"][route.template].object?.names ?? []).filter { $0 != "parameters" }
            let served = route.methods.filter { $0 != .head && $0 != .options }.map { $0.rawValue.lowercased() }
            #expect(Set(methods) == Set(served), "\(route.template)")
        }
    }

    @Test("The edge of one service describes its own paths alone, local ones included")
    func ownEdge() throws {
        let service = Bookstore.orderService
        let local = [LocalRoute("/isHealthy", "Whether it is") { () throws(Problem) in throw Problem(500, "") }]
        let document = OpenAPI.document(system: Self.system, services: [service], local: local)
        let names = try #require(document["paths"]?.object?.names)
        #expect(names.contains("/orders") && names.contains("/isHealthy") && !names.contains("/books"))
        let edge = Edge(system: Self.system, services: [service], instance: "order-0", local: local)
        #expect(Set(names) == Set(edge.router.routes.map(\.template)))
    }

    @Test("No parameter of an operation may be left out")
    func requiredParameters() {
        for operation in Self.system.services.flatMap(\.operations) {
            let described = open["paths"][operation.path]["get"]["parameters"].array ?? []
            for parameter in operation.parameters {
                let found = described.first { $0["name"].string == parameter.name }
                #expect(found?["required"].bool == true, "\(operation.path) \(parameter.name)")
            }
        }
    }

    @Test("Operations have names of their own, and parameters for what is in their path")
    func operations() {
        var names: Set<String> = []
        for (path, item) in open["paths"].object?.members ?? [] {
            for (method, operation) in item.object?.members ?? [] where method != "parameters" {
                let name = operation["operationId"].string ?? ""
                #expect(!name.isEmpty && names.insert(name).inserted, "\(method) \(path): '\(name)'")
                #expect(operation["responses"].object?.isEmpty == false)
                let parameters = (item["parameters"].array ?? []) + (operation["parameters"].array ?? [])
                let inPath = parameters.filter { $0["in"] == "path" }.compactMap { $0["name"].string }
                let wanted = path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
                    String($0.dropFirst().dropLast())
                }
                #expect(inPath == wanted, "\(path)")
            }
        }
    }

    @Test("Events name their fields in order, and who reacts to them")
    func events() {
        let ordered = async["components"]["messages"]["Ordered"]["payload"]
        #expect(
            ordered["properties"].object?.names == [
                "eventType", "timestamp", "orderId", "bookId", "customerId", "quantity", "deliveryAddress",
                "orderStatus",
            ])
        #expect(ordered["properties"]["deliveryAddress"]["type"] == ["string", "null"])
        #expect(async["channels"]["events"]["address"] == "cnabookstore")
        let operations = async["operations"].object?.names ?? []
        #expect(operations.contains("orderPublishes") && operations.contains("deliveryReactsTo"))
    }

    @Test("The headers of an event are those it is written with")
    func headersOfEvents() throws {
        var records = EffectRecords(service: "order", topics: Self.system.topics, shards: Shards(count: 12))
        let cause = Cause(correlation: "a", causation: "b", trace: TraceContext(), origin: "c")
        let record = try records.record(
            .event(type: "Ordered", subject: 7, fields: [:]), place: 0, cause: cause, nowMilliseconds: 0)
        let described = async["components"]["schemas"]["CloudEventHeaders"]["properties"]
        let written = record.headers.all.map(\.name)
        #expect(Set(described.object?.names ?? []) == Set(written + [HeaderName.forService]))
        let source = try #require(record.headers.text(HeaderName.eventSource))
        #expect(described[HeaderName.eventSource]["description"].string?.hasSuffix("`\(source)`") == true)
    }

    @Test("Answers have the fields that their schemas require")
    func answers() async throws {
        let bench = try await Bench().seeded()
        let book = try await bench.ask("GET /books/1").json
        for name in open["components"]["schemas"]["Book"]["required"].array ?? [] {
            #expect(book.object?[name.string ?? ""] != nil)
        }
        let problem = try await bench.ask("GET /books/99").json
        for name in open["components"]["schemas"]["Problem"]["properties"].object?.names ?? [] {
            #expect(problem.object?[name] != nil, "\(name)")
        }
    }

    @Test("The page for people is whole and needs nobody")
    func page() async throws {
        let answer = try await Bench().ask("GET /docs")
        #expect(answer.type == "text/html; charset=utf-8")
        #expect(answer.header("Content-Security-Policy")?.hasPrefix("default-src 'none'") == true)
        #expect(answer.text.hasSuffix("</html>\n"))
        #expect(answer.text.contains("curl -i http://localhost:8080/books/1"))
        // What may not be left out is in the line to try.
        #expect(answer.text.contains("curl -i 'http://localhost:8080/selectDeliveryInfo?deliveryId=1'"))
        for forbidden in ["<script", "<img", "<iframe", "@import", "url("] { #expect(!answer.text.contains(forbidden)) }
        for tag in ["details", "table", "section", "div", "article", "summary", "tr", "td", "pre"] {
            let opened = answer.text.matches(of: try Regex("<\(tag)[ >]")).count
            let closed = answer.text.matches(of: try Regex("</\(tag)>")).count
            #expect(opened == closed, "\(tag)")
        }
        let links = answer.text.matches(of: /href="#([^"]*)"/).map { String($0.output.1) }
        for link in Set(links) { #expect(answer.text.contains("id=\"\(link)\""), "#\(link)") }
    }
}
