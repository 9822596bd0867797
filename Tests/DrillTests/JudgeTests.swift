// The judge on histories written by hand: a good one passes, and every way to break a promise is found and named.
import Drills
import Testing
import Wire

@testable import BookstoreDrill

@Suite struct JudgeTests {
    @Test func aGoodHistoryPasses() {
        let judgement = BookstoreJudge(Story.good.evidence).judge()
        #expect(judgement.findings.map(\.text) == [])
    }

    struct Lie: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let tell: @Sendable (inout Story) -> Void
        /// Part of what the judge must say.
        let finding: String

        init(_ finding: String, _ tell: @escaping @Sendable (inout Story) -> Void) {
            testDescription = finding
            self.finding = finding
            self.tell = tell
        }
    }

    static let lies: [Lie] = [
        Lie("order 1 was acknowledged and is lost") {
            $0.items["orders"] = []
            $0.events.removeAll { $0["orderId"] == 1 }
        },
        Lie("one request made 2 of orders") {
            $0.events.append(["eventType": "Ordered", "orderId": 14, "deliveryAddress": "address-1"])
        },
        Lie("a client was told order 1, it is [14]") {
            $0.events = $0.events.map { event in
                var event = event
                if event["eventType"] == "Ordered" { event["orderId"] = 14 }
                return event
            }
            $0.change("orders", "orderId", to: 14)
        },
        Lie("order 1: Ordered was published twice") { story in story.events.append(story.events[1]) },
        Lie("order 1: it was prepared 2 times") { story in story.events.append(story.events[2]) },
        Lie("order 1: it was shipped before it was prepared") { $0.events.swapAt(2, 3) },
        Lie("order 1: its history does not begin with Ordered") { $0.events.swapAt(1, 2) },
        Lie("order 1: it has 2 deliverables") { story in
            story.items["deliverables", default: []].append(story.items["deliverables"]![0])
        },
        Lie("order 1: its deliverable is Stock_Lacked, expected Delivery_Prepared") {
            $0.change("deliverables", "status", to: "Stock_Lacked")
        },
        Lie("order 1: its delivery is CreateDelivery, the topic says Shipped") {
            $0.change("deliveries", "deliveryStatus", to: "CreateDelivery")
        },
        Lie("order 1: it is Ordered, expected Shipped") { $0.change("orders", "orderStatus", to: "Ordered") },
        Lie("order 1: MyPage shows orderStatus \"Ordered\", expected \"Shipped\"") {
            $0.change("myPages", "orderStatus", to: "Ordered")
        },
        Lie("order 1: it has no MyPage") { $0.items["myPages"] = [] },
        Lie("order 1: it has no delivery") { $0.items["deliveries"] = [] },
        Lie("order 1: it was prepared and never shipped") { $0.events.removeLast() },
        Lie("book 1 has a stock of 8, expected 10 at first + inputs − prepared = 12") {
            $0.change("books", "stock", to: 8)
        },
        Lie("copies of book 9 were prepared, which is not there") { $0.change("deliverables", "bookId", to: 9) },
        Lie("book 1 has a stock below zero") { $0.change("books", "stock", to: -1) },
        Lie("customer 1 was announced 2 times") { story in story.events.append(story.events[0]) },
        Lie("customer [2] with customerName 'nobody' was created, and nobody asked for it") {
            $0.items["customers", default: []].append(["customerId": 2, "customerName": "nobody"])
        },
        Lie("order 1: its cancel was acknowledged and is lost") { $0.write("DELETE", "/orders/1", status: 204) },
        Lie("order 1: the carrier's 'away' was acknowledged and is there 0 times") {
            $0.write("PATCH", "/deliveries/1", ["deliveryStatus": "away"], status: 200)
        },
        Lie("order 1: the carrier never said 'away'") {
            $0.events.append(["eventType": "DeliveryStatusChanged", "id": 1, "orderId": 1, "deliveryStatus": "away"])
        },
        Lie("order 1: it was cancelled, and nobody was told") {
            $0.events.append(["eventType": "OrderCanceled", "orderId": 1, "status": "CANCELED"])
        },
        Lie("a refused stockInput was created") { story in
            story.writes = story.writes.map {
                $0.path == "/stockInputs"
                    ? Write(key: $0.key, method: $0.method, path: $0.path, body: $0.body, status: 409, answer: .null)
                    : $0
            }
        },
    ]

    @Test(arguments: lies) func aBrokenPromiseIsFoundAndNamed(_ lie: Lie) {
        var story = Story.good
        lie.tell(&story)
        let findings = BookstoreJudge(story.evidence).judge().findings
        #expect(findings.contains { $0.text == lie.finding }, "\(findings.map(\.text))")
        #expect(findings.allSatisfy { !$0.text.hasPrefix("order ") || !$0.history.isEmpty || $0.text.contains("lost") })
    }

    @Test func whatNobodyAnsweredMayBeThereOrNot() {
        for isThere in [true, false] {
            var story = Story.good
            story.write("POST", "/stockInputs", ["bookId": 1, "quantity": 3, "inCharger": "clerk-2"], status: nil)
            if isThere {
                story.items["stockInputs", default: []].append(
                    ["id": 13, "bookId": 1, "quantity": 3, "inCharger": "clerk-2"])
                story.change("books", "stock", to: 15)
            }
            #expect(BookstoreJudge(story.evidence).judge().findings.map(\.text) == [])
        }
    }

    @Test func whatTheDrillPlantedIsNoHistory() {
        var story = Story.good
        story.planted = [story.events[1], story.events[2]]
        #expect(BookstoreJudge(story.evidence).judge().findings.map(\.text) == [])
    }
}

/// One customer, one book with ten copies, five more, an order of three that was shipped.
struct Story: Sendable {
    var writes: [Write] = []
    var items: [String: [JSONObject]] = [:]
    var events: [JSONObject] = []
    var planted: [JSONObject] = []

    mutating func write(
        _ method: String, _ path: String, _ body: JSONObject? = nil, status: Int?, answer: JSON = .null
    ) {
        writes.append(
            Write(key: "\(writes.count)", method: method, path: path, body: body, status: status, answer: answer))
    }

    mutating func change(_ resource: String, _ field: String, to value: JSON) {
        items[resource]?[0][field] = value
    }

    var evidence: Evidence {
        let all = events.map { ($0, false) } + planted.map { ($0, true) }
        return Evidence(
            writes: writes, items: items,
            events: all.enumerated().map { place, event in
                PublishedEvent(fields: event.0, partition: 0, offset: Int64(place), isPlanted: event.1)
            })
    }

    static let good: Story = {
        var story = Story()
        let order: JSONObject = ["bookId": 1, "customerId": 1, "quantity": 3, "deliveryAddress": "address-1"]
        story.write("POST", "/customers", ["customerName": "hong"], status: 201, answer: ["customerId": 1])
        story.write("POST", "/books", ["bookName": "alice", "stock": 10], status: 201, answer: ["bookId": 1])
        story.write(
            "POST", "/stockInputs", ["bookId": 1, "quantity": 5, "inCharger": "clerk"], status: 200, answer: ["id": 1])
        story.write("POST", "/orders", order, status: 201, answer: ["orderId": 1])
        let known: [(String, JSON)] = [("orderId", 1)] + order.members.map { ($0.name, $0.value) }
        story.items = [
            "customers": [["customerId": 1, "customerName": "hong"]],
            "books": [["bookId": 1, "bookName": "alice", "stock": 12]],
            "stockInputs": [["id": 1, "bookId": 1, "quantity": 5, "inCharger": "clerk"]],
            "orders": [JSONObject(known + [("orderStatus", "Shipped")])],
            "deliverables": [
                ["deliverableId": 1, "orderId": 1, "bookId": 1, "quantity": 3, "status": "Delivery_Prepared"]
            ],
            "deliveries": [["id": 1, "orderId": 1, "deliveryAddress": "address-1", "deliveryStatus": "Shipped"]],
            "myPages": [
                JSONObject(
                    known + [
                        ("customerName", "hong"), ("orderStatus", "Shipped"), ("deliveryStatus", "Shipped"),
                        ("deliveryId", 1),
                    ])
            ],
        ]
        story.events = [
            ["eventType": "Registered", "customerId": 1],
            JSONObject([("eventType", "Ordered")] + known + [("orderStatus", "Ordered")]),
            ["eventType": "DeliveryPrepared", "id": .null, "orderId": 1, "status": "Delivery_Prepared"],
            ["eventType": "DeliveryStatusChanged", "id": 1, "orderId": 1, "deliveryStatus": "Shipped"],
        ]
        return story
    }()
}
