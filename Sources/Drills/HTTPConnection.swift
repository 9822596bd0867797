// A client's connection to one of several gateways: kept alive, and opened to the next one when it breaks.
import Glibc
import Operations
import Platform

/// Belongs to one thread.
final class HTTPConnection {
    enum Outcome {
        case answered(HTTPAnswer)
        /// Nobody took the connection, or it ended before the whole answer was there.
        case broken
        case silent
    }

    private let addresses: [Address]
    private let timeoutMilliseconds: Int64
    private var place: Int
    private var descriptor: Int32 = -1
    private var received: [UInt8] = []

    init(_ addresses: [Address], first: Int, timeoutMilliseconds: Int64) {
        self.addresses = addresses
        self.timeoutMilliseconds = timeoutMilliseconds
        place = first % max(1, addresses.count)
    }

    deinit { hangUp() }

    func send(_ method: String, _ path: String, key: String?, body: [UInt8]?) -> Outcome {
        let started = Clock.monotonicMilliseconds()
        guard descriptor >= 0 || open() else { return failed(since: started) }
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(addresses[place])\r\nAccept: */*\r\n"
        if let key { head += "Idempotency-Key: \(key)\r\n" }
        if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
        guard FileSystem.writeAll(Array((head + "\r\n").utf8) + (body ?? []), to: descriptor), let answer = readAnswer()
        else { return failed(since: started) }
        if answer.header("connection")?.lowercased() == "close" { hangUp() }
        return .answered(answer)
    }

    private func failed(since started: Int64) -> Outcome {
        hangUp()
        place = (place + 1) % addresses.count
        return Clock.monotonicMilliseconds() - started >= timeoutMilliseconds ? .silent : .broken
    }

    /// Among several gateways a balancer would choose one that says it is ready.
    private func open() -> Bool {
        guard let opened = addresses[place].connect(timeoutMilliseconds: timeoutMilliseconds) else { return false }
        descriptor = opened
        guard addresses.count > 1 else { return true }
        let question = "GET /health/ready HTTP/1.1\r\nHost: \(addresses[place])\r\n\r\n"
        return FileSystem.writeAll(Array(question.utf8), to: descriptor) && readAnswer()?.status == 200
    }

    private func readAnswer() -> HTTPAnswer? {
        received.removeAll(keepingCapacity: true)
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return nil }
            received += piece[..<count]
            if isWhole { return HTTPClient.parse(received) }
        }
    }

    private var isWhole: Bool {
        let blank: [UInt8] = [13, 10, 13, 10]
        let searched = received.prefix(32_768)
        guard let end = searched.indices.first(where: { searched[$0...].starts(with: blank) }) else { return false }
        let head = String(decoding: received[..<end], as: UTF8.self).lowercased()
        if head.hasPrefix("http/1.1 204") || head.hasPrefix("http/1.1 304") { return true }
        for line in head.split(separator: "\r\n") {
            if line.hasPrefix("content-length:") {
                let length = Int(line.dropFirst("content-length:".count).filter { $0 != " " }) ?? 0
                return received.count >= end + blank.count + length
            }
        }
        return received.suffix(5).elementsEqual([0x30, 13, 10, 13, 10])
    }

    func hangUp() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }
}
