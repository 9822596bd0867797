// What the stock allows. Plain values in, decisions out; who calls them keeps the rows.
import BookstoreContracts

/// A deliverable that waits for stock.
struct Lacking: Equatable {
    let deliverableID: Int64
    let orderID: Int64
    let quantity: Int64
}

enum StockRules {
    /// What is left when an order takes its copies; nil when there are too few, and then the stock stays untouched.
    static func take(_ quantity: Int64, from stock: Int64) -> Int64? {
        quantity <= stock ? stock - quantity : nil
    }

    /// Nil beyond what a stock can be.
    static func raise(_ stock: Int64, by quantity: Int64) -> Int64? {
        quantity <= Bookstore.quantityMax - stock ? stock + quantity : nil
    }

    /// A cancelled order's copies come back. A cancel cannot be refused, so a stock that somebody has meanwhile set to
    /// its very limit stays there.
    static func giveBack(_ quantity: Int64, to stock: Int64) -> Int64 {
        raise(stock, by: quantity) ?? Bookstore.quantityMax
    }

    /// Serves in ascending order id; who does not fit is skipped, and the next may.
    static func allocate(_ stock: Int64, to lacking: [Lacking]) -> (served: [Lacking], remaining: Int64) {
        var remaining = stock
        var served: [Lacking] = []
        for waiting in lacking.sorted(by: { $0.orderID < $1.orderID }) {
            guard let rest = take(waiting.quantity, from: remaining) else { continue }
            remaining = rest
            served.append(waiting)
        }
        return (served, remaining)
    }
}
