// One HTTP request to our own gateway and its answer: enough for the demo and for readiness, a connection a request.
import Glibc
import Platform
package import Wire

package struct HTTPAnswer: Sendable {
    package let status: Int
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    package func header(_ name: String) -> String? { headers.first { $0.name == name.lowercased() }?.value }
    package var json: JSON? { try? JSON(parsing: body) }
    package var text: String { String(decoding: body, as: UTF8.self) }
}

/// `http://host:port/path`; the port is 80 where there is none.
struct HTTPLocation: Sendable {
    let address: Address
    let path: String

    init?(_ text: String) {
        let scheme = "http://"
        guard text.hasPrefix(scheme) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let place = String(rest.prefix { $0 != "/" })
        // The colons of an IPv6 address are in brackets.
        let hasPort = place.last != "]" && place.contains(":")
        guard let address = Address(hasPort ? place : place + ":80") else { return nil }
        self.address = address
        path = String(rest.dropFirst(place.count))
    }
}

package struct HTTPClient: Sendable {
    package let address: Address
    package var timeoutMilliseconds: Int64 = 10_000

    /// Nil when there was no answer, or none that could be read.
    package func send(
        _ method: String, _ path: String, body: [UInt8]? = nil, headers: [(name: String, value: String)] = []
    ) -> HTTPAnswer? {
        guard let connection = address.connect(timeoutMilliseconds: timeoutMilliseconds) else { return nil }
        defer { close(connection) }
        var lines = [(name: "Host", value: address.description), (name: "Connection", value: "close")]
        if let body {
            lines += [
                (name: "Content-Type", value: "application/json"), (name: "Content-Length", value: String(body.count)),
            ]
        }
        // What the caller gives replaces what is usual.
        lines = lines.filter { line in !headers.contains { $0.name.lowercased() == line.name.lowercased() } } + headers
        var head = "\(method) \(path) HTTP/1.1\r\n"
        for line in lines { head += "\(line.name): \(line.value)\r\n" }
        head += "\r\n"
        guard FileSystem.writeAll(Array(head.utf8) + (body ?? []), to: connection), let received = readAll(connection)
        else {
            return nil
        }
        return Self.parse(received)
    }

    private func readAll(_ connection: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        let deadline = Clock.monotonicMilliseconds() + timeoutMilliseconds
        while Clock.monotonicMilliseconds() < deadline {
            let count = unsafe read(connection, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes += piece[..<count]
        }
        return nil
    }

    package static func parse(_ received: [UInt8]) -> HTTPAnswer? {
        let end: [UInt8] = [13, 10, 13, 10]
        guard let split = received.indices.first(where: { received[$0...].starts(with: end) }) else { return nil }
        let lines = String(decoding: received[..<split], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, let status = Int(words[1]) else { return nil }
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            return (name: line[..<colon].lowercased(), value: String(value))
        }
        let body = Array(received[(split + 4)...])
        let isChunked = headers.contains { $0.name == "transfer-encoding" && $0.value.lowercased() == "chunked" }
        guard let whole = isChunked ? unchunk(body) : body else { return nil }
        return HTTPAnswer(status: status, headers: headers, body: whole)
    }

    /// A body that came in pieces, each behind its length in hexadecimal.
    private static func unchunk(_ body: [UInt8]) -> [UInt8]? {
        var rest = body[...]
        var whole: [UInt8] = []
        while let lineEnd = rest.firstIndex(of: 10) {
            let digits = String(decoding: rest[..<lineEnd], as: UTF8.self).prefix { $0.isHexDigit }
            guard let count = Int(digits, radix: 16) else { return nil }
            if count == 0 { return whole }
            let piece = rest[(lineEnd + 1)...].prefix(count)
            guard piece.count == count else { return nil }
            whole += piece
            rest = rest[(lineEnd + 1 + count)...].dropFirst(2)
        }
        return nil
    }
}
