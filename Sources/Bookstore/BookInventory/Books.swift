// A book is added, changed, deleted. The seeds tell nobody; the stock is what counts, and it is counted here.
import BookstoreContracts
import Wire
import Worker

extension InventoryService {
    static func addBook(_ request: Request, _ turn: Turn) throws -> Outcome {
        let id = try turn.nextID("books")
        try turn.execute(
            "INSERT INTO books (bookId, bookName, stock) VALUES (?1, ?2, ?3)",
            [.integer(id), Value(request.body["bookName"]), Value(request.body["stock"])])
        return .created(id, try item(ofBook: id, turn))
    }

    /// PUT names every field, PATCH some. A stock that is set by hand is a correction, not a delivery: orders that lack
    /// the book wait for a stock input, as in the seeds.
    static func changeBook(_ request: Request, _ turn: Turn) throws -> Outcome {
        let id = try request.itemID()
        var item = try item(ofBook: id, turn)
        for member in request.body.members { item[member.name] = member.value }
        try turn.execute(
            "UPDATE books SET bookName = ?2, stock = ?3 WHERE bookId = ?1 AND (bookName <> ?2 OR stock <> ?3)",
            [.integer(id), Value(item["bookName"]), Value(item["stock"])])
        return .ok(item)
    }

    /// Orders and deliverables of the book stay as they are.
    static func deleteBook(_ request: Request, _ turn: Turn) throws -> Outcome {
        let id = try request.itemID()
        guard try turn.execute("DELETE FROM books WHERE bookId = ?1", [.integer(id)]) > 0 else {
            throw Problem.notFound("book \(id) does not exist")
        }
        return .noContent
    }

    private static func item(ofBook id: Int64, _ turn: Turn) throws -> JSONObject {
        guard let row = try turn.row("SELECT * FROM books WHERE bookId = ?1", [.integer(id)]) else {
            throw Problem.notFound("book \(id) does not exist")
        }
        return Bookstore.books.item(row)
    }

    // MARK: - Stock

    /// Nil where the book is not, or no longer, there.
    static func stock(ofBook id: Int64, _ turn: Turn) throws -> Int64? {
        try turn.row("SELECT stock FROM books WHERE bookId = ?1", [.integer(id)])?.integer("stock")
    }

    static func setStock(ofBook id: Int64, to stock: Int64, _ turn: Turn) throws {
        try turn.execute("UPDATE books SET stock = ?2 WHERE bookId = ?1", [.integer(id), .integer(stock)])
    }
}
