// A request while it is being read, and every reason to refuse it that the daemon does not check.
import Platform

struct RequestDraft {
    let targetBytes: Int
    private(set) var head: RequestHead
    private(set) var target: RequestTarget?
    var body: [UInt8] = []
    /// Set at the first thing wrong. The rest is then read and dropped, so that the connection can go on.
    private(set) var refusal: Refusal?
    private(set) var awaitsHeaders = true
    private var bodyBytes = 0

    init(target bytes: Span<UInt8>, remoteAddress: String, limits: IngressLimits) {
        targetBytes = bytes.count
        head = RequestHead(remoteAddress: remoteAddress)
        do throws(Refusal) {
            guard bytes.count <= limits.headerBytesMax else { throw .targetTooLong(limits.headerBytesMax) }
            let target = try RequestTarget(bytes, queryParametersMax: limits.queryParametersMax)
            self.target = target
            head.target = target.path
            head.segments = target.segments
        } catch {
            refusal = error
            head.target = RequestTarget.beginning(of: bytes)
        }
    }

    /// The daemon keeps the target and each of its parameters in the memory of the connection, and hangs when that
    /// runs out: there is no reading on.
    var targetIsTooLong: Bool { refusal?.status == 414 }

    enum BodyPlan {
        case read
        /// The client waits for a word before it sends the body, and gets the refusal instead.
        case refuseAtOnce(Refusal)
        /// More is coming than we are willing to read.
        case abandon(Refusal)
    }

    /// Looks at the headers once they are there.
    mutating func take(method: String, headers: [(name: String, value: String)], bytes: Int, limits: IngressLimits)
        -> BodyPlan
    {
        awaitsHeaders = false
        head.method = method
        head.headers = headers
        var framing = BodyFraming()
        for header in headers {
            framing.note(header)
            // `Content-Length : 5` is a length for some proxies and none for others.
            if header.name.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) {
                refuse(.badRequest("The name of a header holds a blank or a control character."))
            }
        }
        if let problem = framing.problem { refuse(problem) }
        if bytes > limits.headerBytesMax { refuse(.headersTooLarge(limits.headerBytesMax)) }
        if framing.contentLength > limits.bodyBytesMax { refuse(.bodyTooLarge(limits.bodyBytesMax)) }
        if let refusal, framing.hasBody {
            if framing.expectsContinue { return .refuseAtOnce(refusal) }
            if framing.problem != nil || framing.contentLength > limits.bodyBytesMax { return .abandon(refusal) }
        }
        if refusal == nil, framing.contentLength > 0 { body.reserveCapacity(framing.contentLength) }
        return .read
    }

    /// False when the body has become more than anyone may send.
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>, limits: IngressLimits) -> Bool {
        bodyBytes += bytes.count
        guard bodyBytes <= limits.bodyBytesMax else {
            refuse(.bodyTooLarge(limits.bodyBytesMax))
            return false
        }
        if refusal == nil { unsafe body.append(contentsOf: bytes) }
        return true
    }

    mutating func refuse(_ refusal: Refusal) {
        if self.refusal == nil { self.refusal = refusal }
        body = []
    }
}

/// What the headers say about the body.
private struct BodyFraming {
    var contentLength = 0
    var expectsContinue = false
    var problem: Refusal?
    private var lengths = 0
    private var codings = 0

    var hasBody: Bool { contentLength > 0 || codings > 0 }

    mutating func note(_ header: (name: String, value: String)) {
        // Lengths first: two comparisons of integers for a header that is none of these.
        switch header.name.utf8.count {
        case 14 where sameHeaderName(header.name, "Content-Length"):
            // A second length, or one beside chunked, is how requests are smuggled past proxies.
            lengths += 1
            contentLength = Int(header.value) ?? Int.max
        case 17 where sameHeaderName(header.name, "Transfer-Encoding"):
            codings += 1
            if !sameHeaderName(header.value, "chunked") { problem = .unknownTransferCoding }
        case 6 where sameHeaderName(header.name, "Expect"):
            expectsContinue = sameHeaderName(header.value, "100-continue")
            if !expectsContinue, !header.value.isEmpty { problem = .unknownExpectation }
        default: return
        }
        if lengths + codings > 1 { problem = .badRequest("The length of the body is given twice.") }
    }
}
