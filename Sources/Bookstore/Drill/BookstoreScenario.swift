// What the bookstore's customers, clerks and carriers do during a drill: a seeded mix, each write with a text that no
// other has, so that it can be found again and counted.
import BookstoreContracts
import Contract
package import Drills
import Synchronization
package import Wire

package final class BookstoreScenario: DrillScenario {
    /// How the drills know the bookstore.
    package static let script = DrillScript(
        unit: Bookstore.orders.name, slow: (command: "slow-customer", service: Bookstore.customerService.name)
    ) { _ in BookstoreScenario() }

    private static let customersAtFirst = 20
    private static let booksAtFirst = 10
    private static let stockAtFirst: Int64 = 120
    /// Of the orders that later operations are about, the youngest.
    private static let ordersRemembered = 400

    /// An id that nothing has.
    private static let nobodys: Int64 = 888_888_888

    private struct Known {
        var customers: [Int64] = []
        var books: [Int64] = []
        var orders: [Int64] = []
        /// Orders that probably wait for stock, and can be cancelled.
        var large: [Int64] = []
    }

    private let known = Mutex(Known())

    private init() {}

    // MARK: - Doing

    package func prepare(_ client: DrillClient, _ random: inout DrillRandom) {
        for _ in 0..<Self.customersAtFirst { addCustomer(client) }
        for _ in 0..<Self.booksAtFirst { addBook(client) }
    }

    package func perform(_ client: DrillClient, _ random: inout DrillRandom) -> Int {
        switch random.below(100) {
        case 0..<58: return placeOrder(client, &random)
        case 58..<70: addStock(client, &random)
        case 70..<82: cancel(client, &random)
        case 82..<93: carry(client, &random)
        case 93..<97: addCustomer(client)
        default: addBook(client)
        }
        return 0
    }

    private func addCustomer(_ client: DrillClient) {
        let write = client.send("POST", "/customers", ["customerName": .string(client.newTag("customer"))])
        guard let id = write.answer["customerId"].integer else { return }
        known.withLock { $0.customers.append(id) }
    }

    private func addBook(_ client: DrillClient) {
        let write = client.send(
            "POST", "/books", ["bookName": .string(client.newTag("book")), "stock": .integer(Self.stockAtFirst)])
        guard let id = write.answer["bookId"].integer else { return }
        known.withLock { $0.books.append(id) }
    }

    private func placeOrder(_ client: DrillClient, _ random: inout DrillRandom) -> Int {
        let chance = random.below(100)
        let isLarge = chance < 20
        let quantity = random.number(in: isLarge ? 40...150 : 1...5)
        // Some customers and books exist nowhere.
        let customer = chance == 98 ? Self.nobodys : pick(\.customers, &random)
        let book = chance == 99 ? Self.nobodys : pick(\.books, &random)
        let write = client.send("POST", "/orders", order(client, customer: customer, book: book, quantity: quantity))
        guard let id = write.answer["orderId"].integer else { return 1 }
        known.withLock { known in
            known.orders.append(id)
            if isLarge { known.large.append(id) }
            if known.orders.count > Self.ordersRemembered { known.orders.removeFirst() }
            if known.large.count > Self.ordersRemembered / 4 { known.large.removeFirst() }
        }
        // A customer who thinks better of it at once: the saga is at full speed.
        if chance < 8 { client.send("DELETE", Bookstore.orders.itemPath(id)) }
        return 1
    }

    private func order(_ client: DrillClient, customer: Int64, book: Int64, quantity: Int64) -> JSONObject {
        [
            "customerId": .integer(customer), "bookId": .integer(book), "quantity": .integer(quantity),
            "deliveryAddress": .string(client.newTag("address")),
        ]
    }

    private func addStock(_ client: DrillClient, _ random: inout DrillRandom) {
        client.send(
            "POST", "/stockInputs",
            [
                "bookId": .integer(pick(\.books, &random)), "quantity": .integer(random.number(in: 10...90)),
                "inCharger": .string(client.newTag("clerk")),
            ])
    }

    private func cancel(_ client: DrillClient, _ random: inout DrillRandom) {
        let id = random.below(3) > 0 ? pick(\.large, &random) : pick(\.orders, &random)
        client.send("DELETE", Bookstore.orders.itemPath(id))
    }

    private func carry(_ client: DrillClient, _ random: inout DrillRandom) {
        client.send(
            "PATCH", Bookstore.deliveries.itemPath(pick(\.orders, &random)),
            ["deliveryStatus": .string(client.newTag("carrier"))])
    }

    /// One of those known so far, or one that does not exist: 1 may be somebody else's.
    private func pick(_ list: KeyPath<Known, [Int64]>, _ random: inout DrillRandom) -> Int64 {
        let ids = known.withLock { $0[keyPath: list] }
        return random.element(of: ids) ?? Self.nobodys
    }

    // MARK: - Being asked

    /// Among the carrier's words alone an old one cannot be told from a new one.
    package func mayComeTwice(_ event: JSONObject) -> Bool {
        guard event["eventType"]?.string == DeliveryStatusChanged.type else { return true }
        let status = event["deliveryStatus"]?.string ?? ""
        return Stage(of: status) != .withCarrier
    }

    package func probe(_ client: DrillClient) -> Write {
        let (customer, book) = known.withLock { ($0.customers.first ?? 1, $0.books.first ?? 1) }
        return client.send("POST", "/orders", order(client, customer: customer, book: book, quantity: 1))
    }

    package func isFallback(_ write: Write) -> Bool {
        let status = write.answer["orderStatus"].string
        return status == OrderStatus.customerNotVerified || status == OrderStatus.bookNotVerified
    }

    package func judge(_ evidence: Evidence) -> Judgement { BookstoreJudge(evidence).judge() }
}
