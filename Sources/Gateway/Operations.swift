// Questions that are no resource: passed to a shard as they are, answered as the shard answers.
import Contract
import Ingress
import Wire
import Worker

extension Edge {
    func call(_ visit: Visit, _ operation: Operation, of service: String, _ turn: RoundRobin) throws(Problem) {
        let backend = try connected()
        let request = visit.request
        var path = ""
        for segment in request.segments { path += "/" + PercentEncoding.encode(segment) }
        if !request.rawQuery.isEmpty { path += "?" + request.rawQuery }
        let shard = try backend.placement.operation(
            operation, segments: request.segments, query: request.query, turn: turn)
        let call = Call(
            service: service, shard: shard, method: .get, path: path,
            deadlineMilliseconds: options.deadlineMilliseconds, trace: visit.trace)
        backend.caller.send(call) { result in
            visit.answer(
                visit.response(to: result) { reply in
                    guard (200..<300).contains(reply.status) else { return nil }
                    let headers = [(name: "Content-Type", value: reply.contentType)]
                    return HTTPResponse(status: reply.status, headers: headers, body: reply.body)
                })
        }
    }
}

enum PercentEncoding {
    /// Everything but what RFC 3986 calls unreserved.
    static func encode(_ text: String) -> String {
        if text.utf8.allSatisfy(isUnreserved) { return text }
        var encoded = ""
        for byte in text.utf8 {
            if isUnreserved(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                encoded += hex.count == 1 ? "%0" + hex : "%" + hex
            }
        }
        return encoded
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
