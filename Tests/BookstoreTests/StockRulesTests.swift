// The stock: taken, raised, given back, handed out. One line a case.
import BookstoreContracts
import Testing

@testable import BookstoreInventory

struct StockRulesTests {
    static let full = Bookstore.quantityMax

    @Test(
        arguments: [
            // quantity, stock, what is left
            (50, 100, 50), (50, 50, 0), (51, 50, nil), (1, 0, nil), (full, full, 0),
        ] as [(Int64, Int64, Int64?)])
    func take(_ quantity: Int64, _ stock: Int64, _ left: Int64?) {
        #expect(StockRules.take(quantity, from: stock) == left)
    }

    @Test(
        arguments: [
            // stock, raised by, is then
            (50, 200, 250), (0, full, full), (1, full, nil), (full, 1, nil),
        ] as [(Int64, Int64, Int64?)])
    func raise(_ stock: Int64, _ quantity: Int64, _ raised: Int64?) {
        #expect(StockRules.raise(stock, by: quantity) == raised)
        #expect(StockRules.giveBack(quantity, to: stock) == raised ?? Self.full)
    }

    @Test(
        arguments: [
            // stock, waiting as order:quantity, served, what remains
            ("the seeds' own", 250, [2: 100], [2], 150),
            ("none waits", 7, [:], [], 7),
            ("none fits", 70, [2: 100], [], 70),
            ("the oldest first", 100, [9: 60, 3: 60], [3], 40),
            ("who does not fit is skipped", 50, [2: 100, 5: 30, 8: 30, 9: 20], [5, 9], 0),
            ("all", 60, [1: 10, 2: 20, 3: 30], [1, 2, 3], 0),
        ] as [(String, Int64, [Int64: Int64], [Int64], Int64)])
    func allocation(_ name: String, _ stock: Int64, _ waiting: [Int64: Int64], _ served: [Int64], _ remaining: Int64) {
        let lacking = waiting.map { Lacking(deliverableID: $0.key + 1000, orderID: $0.key, quantity: $0.value) }
        let allocation = StockRules.allocate(stock, to: lacking)
        #expect(allocation.served.map(\.orderID) == served, "\(name)")
        #expect(allocation.remaining == remaining, "\(name)")
    }
}
