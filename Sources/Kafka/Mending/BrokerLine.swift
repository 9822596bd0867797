// A connection to one broker that speaks Kafka's protocol itself: one question, one answer.

internal import CRdKafka
internal import Glibc
internal import Platform

/// Belongs to one thread.
final class BrokerLine {
    private static let connectMilliseconds = 1_000
    private static let answerBytesMax = 64 << 20

    let address: String
    private let descriptor: Int32
    private var correlation: Int32 = 0
    private var isBroken = false
    /// How long the broker may be silent while it is asked something.
    var patienceMilliseconds: Int { didSet { BrokerLine.limit(descriptor, patienceMilliseconds) } }

    /// `address` is `host:port`, as in the bootstrap list.
    init(_ address: String, patienceMilliseconds: Int) throws(KafkaError) {
        self.address = address
        self.patienceMilliseconds = patienceMilliseconds
        guard let descriptor = BrokerLine.connect(address) else {
            throw BrokerLine.failed("connect to \(address)")
        }
        self.descriptor = descriptor
        BrokerLine.limit(descriptor, patienceMilliseconds)
    }

    deinit { close(descriptor) }

    /// Nobody has hung up at the other end. A broker that is killed, or whose machine is silent for seconds, has.
    var isUp: Bool {
        guard !isBroken else { return false }
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // A broker says nothing unasked: whatever there is to read is the end.
        return unsafe poll(&wanted, 1, 0) == 0
    }

    func ask(
        _ key: Int16, version: Int16, isFlexible: Bool, _ body: (inout ProtocolWriter) -> Void
    ) throws(KafkaError) -> ProtocolReader {
        correlation += 1
        var request = ProtocolWriter()
        request.integer(key)
        request.integer(version)
        request.integer(correlation)
        request.string("mender")
        if isFlexible { request.noTags() }
        body(&request)
        var frame = ProtocolWriter()
        frame.integer(Int32(request.bytes.count))
        guard send(frame.bytes + request.bytes), let head = receive(4) else { throw broken("ask \(address)") }
        var length = ProtocolReader(head)
        guard let count = try? length.integer(Int32.self), (4...BrokerLine.answerBytesMax).contains(Int(count)),
            let answer = receive(Int(count))
        else { throw broken("read the answer of \(address)") }
        var reader = ProtocolReader(answer)
        do {
            guard try reader.integer(Int32.self) == correlation else { throw ProtocolReader.Malformed() }
            if isFlexible { try reader.skipTags() }
        } catch { throw broken("understand \(address)") }
        return reader
    }

    /// What cannot be understood once will not be later on this connection.
    func broken(_ what: String) -> KafkaError {
        isBroken = true
        return BrokerLine.failed(what)
    }

    private static func failed(_ what: String) -> KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR__TRANSPORT, doing: what, remedy: .retry)
    }

    private func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func receive(_ wanted: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: wanted)
        var have = 0
        while have < wanted {
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe Glibc.recv(descriptor, $0.baseAddress?.advanced(by: have), wanted - have, 0)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return nil }
            have += count
        }
        return bytes
    }

    private static func connect(_ address: String) -> Int32? {
        guard let colon = address.lastIndex(of: ":") else { return nil }
        var host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let port = String(address[address.index(after: colon)...])
        guard unsafe getaddrinfo(String(host), port, &hints, &found) == 0, let first = unsafe found else { return nil }
        defer { unsafe freeaddrinfo(first) }
        var next: UnsafeMutablePointer<addrinfo>? = unsafe first
        while let candidate = unsafe next {
            let place = unsafe candidate.pointee
            let descriptor = unsafe socket(
                place.ai_family, place.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), place.ai_protocol)
            if descriptor >= 0 {
                limit(descriptor, connectMilliseconds)
                keepAlive(descriptor)
                if unsafe Glibc.connect(descriptor, place.ai_addr, place.ai_addrlen) == 0 { return descriptor }
                close(descriptor)
            }
            unsafe next = place.ai_next
        }
        return nil
    }

    private static func limit(_ descriptor: Int32, _ milliseconds: Int) {
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
    }

    /// A machine that went away without a word is noticed within four seconds, which is less than a broker takes to start.
    private static func keepAlive(_ descriptor: Int32) {
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        for option in [TCP_KEEPIDLE, TCP_KEEPINTVL] { set(descriptor, Int32(IPPROTO_TCP), option, 1) }
        set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
