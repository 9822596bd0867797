// A client's own name for a write, so that sending it twice does it once.
import Ingress
import Wire

enum IdempotencyKey {
    static let header = "Idempotency-Key"

    /// Nil where the client names none. The key travels in a header of a record and is remembered by a shard. No space: what
    /// services ask each other has keys with one.
    static func of(_ request: HTTPRequest, bytesMax: Int) throws(Problem) -> String? {
        guard let key = request.header(header) else { return nil }
        guard (1...bytesMax).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .badRequest(
                "header '\(header)' must be 1 to \(bytesMax) printable ASCII characters without spaces")
        }
        return key
    }
}
