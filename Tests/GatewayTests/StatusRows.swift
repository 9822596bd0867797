// The status table of the original, with what is expected of us in the last columns.
import Testing

/// A request to the seeded shop, and what must come back.
struct StatusRow: Sendable, CustomTestStringConvertible {
    let line: String
    let body: String
    let status: Int
    /// A header that must be there, or nothing.
    let header: String
    var testDescription: String { "\(line) → \(status)" }

    init(_ line: String, _ body: String, _ status: Int, _ header: String = "") {
        self.line = line
        self.body = body
        self.status = status
        self.header = header
    }

    init(_ line: String, _ status: Int, _ header: String = "") { self.init(line, "", status, header) }
}

let itemRows: [StatusRow] = [
    .init("GET /books/999", 404),
    .init("PATCH /books/999", #"{"stock":1}"#, 404),
    .init("DELETE /books/999", 404),
    .init("GET /stockInputs/999", 404),
    .init("GET /orders/abc", 400),
    .init("GET /orders/0", 404),
    .init("GET /orders/99999999999999999999", 400),
    .init("GET /stockInputs/abc", 400),
    .init("POST /orders", "{}", 400),
    .init("POST /orders", #"{"bookId":0,"customerId":1,"quantity":1}"#, 400),
    .init("POST /orders", #"{"bookId":1,"customerId":1,"quantity":-5}"#, 400),
    .init("POST /stockInputs", #"{"quantity":1}"#, 400),
    .init("POST /stockInputs", #"{"bookId":1}"#, 400),
    .init("POST /stockInputs", #"{"bookId":1,"quantity":-1}"#, 400),
    .init("PATCH /books/1", #"{"stock":1}"#, 200),
    .init("PATCH /books/1", "{}", 200),
    .init("PUT /books/1", #"{"bookName":"b","stock":3}"#, 200, "Location: http://H/books/1"),
    .init("PUT /books/1", #"{"bookName":"b"}"#, 400),
    .init("PUT /books/999", #"{"bookName":"b","stock":3}"#, 404),
    .init("DELETE /books/1", 204),
    .init("DELETE /customers/1", 204),
    .init("DELETE /orders/1", 204),
]

let methodRows: [StatusRow] = [
    .init("PUT /orders/1", "{}", 405, "Allow: GET, HEAD, DELETE, OPTIONS"),
    .init("PATCH /orders/1", "{}", 405, "Allow: GET, HEAD, DELETE, OPTIONS"),
    .init("POST /myPages", "{}", 405, "Allow: GET, HEAD, OPTIONS"),
    .init("DELETE /deliverables/1", 405, "Allow: GET, HEAD, OPTIONS"),
    .init("POST /deliveries", "{}", 405, "Allow: GET, HEAD, OPTIONS"),
    .init("DELETE /deliveries/1", 405, "Allow: GET, HEAD, PATCH, OPTIONS"),
    .init("PUT /stockInputs/1", "{}", 405, "Allow: GET, HEAD, OPTIONS"),
    .init("PUT /books", "{}", 405, "Allow: GET, HEAD, POST, OPTIONS"),
    .init("DELETE /books", 405, "Allow: GET, HEAD, POST, OPTIONS"),
    .init("POST /books/1", "{}", 405, "Allow: GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
    .init("BREW /books", 405, "Allow: GET, HEAD, POST, OPTIONS"),
    .init("POST /circuitBreaker", "{}", 405, "Allow: GET, HEAD, OPTIONS"),
    .init("OPTIONS /books", 200, "Allow: GET, HEAD, POST, OPTIONS"),
    .init("OPTIONS /books/1", 200, "Allow: GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
    .init("OPTIONS *", 200, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    .init("HEAD /books", 200, "Content-Type: application/hal+json;charset=UTF-8"),
    .init("HEAD /books/1", 200, "Content-Type: application/hal+json;charset=UTF-8"),
]

let pathRows: [StatusRow] = [
    .init("GET /books/", 200),
    .init("GET /books/1/", 200),
    .init("GET /nowhere", 404),
    .init("POST /nowhere", "{}", 404),
    .init("BREW /nowhere", "{}", 404),
    .init("GET /books/1/2", 404),
    .init("GET /health", 404),
    .init("GET /profile", 200),
    .init("GET /profile/books", 200, "Content-Type: application/alps+json"),
    .init("GET /profile/nothing", 404),
    .init("GET /circuitBreaker?isYn=Y", 200, "Content-Type: text/plain;charset=UTF-8"),
    .init("GET /orderService/verifyCustomer/1", 200),
    .init("GET /orderService/verifyCustomer/x", 400),
    .init("GET /selectDeliveryInfo?deliveryId=x", 200),
    .init("GET /health/live", 200),
    .init("GET /health/ready", 200),
    .init("GET /metrics", 200, "Content-Type: text/plain; version=0.0.4; charset=utf-8"),
]
