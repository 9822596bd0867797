// The one door to libmicrohttpd: starts the daemon, turns its callbacks into calls of `Reception`, sends answers.
import CMicroHTTPD
import Glibc
import Platform

/// Thread-safe as its manual says of adding and resuming connections; the rest happens on its own thread.
@safe final class MicroHTTPD: @unchecked Sendable {
    private let daemon: OpaquePointer
    private let reception: Unmanaged<Reception>

    init(reception: Reception) throws(IngressError) {
        let retained = unsafe Unmanaged.passRetained(reception)
        let callbacks = unsafe cmicrohttpd_callbacks(
            handle: handleRequest, completed: requestCompleted, connection: connectionChanged, target: targetArrived,
            unescape: leaveEscaped, log: logged, context: retained.toOpaque())
        // Room for the headers, for the daemon's index of them and of the query (64 bytes an entry), and to see by how
        // much a client exceeds the limit: only then is the answer ours. The daemon clears all of it after each request,
        // and beyond 32 KiB, which the defaults make, it would mmap(2) for each connection.
        let limits = reception.limits
        let memory = limits.headerBytesMax + 64 * limits.queryParametersMax + (8 << 10)
        // The door counts; here is only room for connections whose end the daemon has yet to notice.
        let connections = UInt32(limits.connectionsMax + 256)
        guard let daemon = unsafe cmicrohttpd_start(callbacks, memory, connections) else {
            unsafe retained.release()
            throw .cannotStart(reason: errorText(errno))
        }
        unsafe self.daemon = daemon
        unsafe self.reception = retained
    }

    /// Hands a connection over; the daemon closes the socket in every case.
    func add(_ socket: Int32, address: SocketAddress) -> Bool {
        var address = address
        return unsafe address.withGeneric { pointer, size in
            unsafe MHD_add_connection(daemon, socket, pointer, size.pointee) == .YES
        }
    }

    /// Closes everything and joins the daemon's thread. No connection may be suspended any more.
    func stop() {
        unsafe MHD_stop_daemon(daemon)
        unsafe reception.release()
    }
}

/// An answer in the daemon's form, made on the thread that answers.
/// `@unchecked Sendable`: it is handed from one thread to the next, never shared.
@safe final class PreparedResponse: @unchecked Sendable {
    private let response: OpaquePointer?
    private let status: UInt32

    init(_ answer: HTTPResponse) {
        // 1xx and nonsense would make the daemon refuse and drop the connection.
        let valid = (200...599).contains(answer.status)
        if !valid {
            Log.error("handler answered with an impossible status", ["status": .integer(Int64(answer.status))])
        }
        status = UInt32(valid ? answer.status : 500)
        unsafe response = answer.body.withUnsafeBytes { body in
            // The pointer is mutable only for the modes that free the buffer.
            unsafe MHD_create_response_from_buffer(
                body.count, UnsafeMutableRawPointer(mutating: body.baseAddress), .RESPMEM_MUST_COPY)
        }
        for header in answer.headers where !belongsToServer(header.name) {
            if unsafe MHD_add_response_header(response, header.name, header.value) != .YES {
                Log.error("handler answered with an impossible header", ["name": LogValue(header.name)])
            }
        }
    }

    deinit { if let response = unsafe response { unsafe MHD_destroy_response(response) } }

    func closeAfterwards() { _ = unsafe MHD_add_response_header(response, "Connection", "close") }

    fileprivate func queue(on connection: OpaquePointer?) -> MHD_Result {
        // Out of memory for the response: the client sees its connection closed.
        guard let response = unsafe response else { return .NO }
        return unsafe queueOfLibrary?(connection, status, response) ?? .NO
    }
}

private func belongsToServer(_ header: String) -> Bool {
    switch header.utf8.count {
    case 4: sameHeaderName(header, "Date")
    case 10: sameHeaderName(header, "Connection") || sameHeaderName(header, "Keep-Alive")
    case 14: sameHeaderName(header, "Content-Length")
    case 17: sameHeaderName(header, "Transfer-Encoding")
    default: false
    }
}

/// `@unchecked Sendable`: a suspended connection is left alone by the daemon until someone resumes it.
@safe struct SuspendedConnection: @unchecked Sendable {
    private let connection: OpaquePointer

    fileprivate init(suspending connection: OpaquePointer) {
        unsafe MHD_suspend_connection(connection)
        unsafe self.connection = connection
    }

    func resume() { unsafe MHD_resume_connection(connection) }
}

/// A whole answer for a connection that will be closed, in bytes.
func rawBytes(_ response: HTTPResponse) -> [UInt8] {
    let reason = unsafe MHD_get_reason_phrase_for(UInt32(clamping: response.status)).map { unsafe String(cString: $0) }
    var head =
        "HTTP/1.1 \(response.status) \(reason ?? "")\r\nConnection: close\r\nContent-Length: \(response.body.count)\r\n"
    for header in response.headers where !belongsToServer(header.name) {
        head += "\(header.name): \(header.value)\r\n"
    }
    return Array((head + "\r\n").utf8) + response.body
}

// The callbacks: each converts, calls `Reception` and converts back.

private func reception(_ context: UnsafeMutableRawPointer?) -> Reception? {
    unsafe context.map { unsafe Unmanaged<Reception>.fromOpaque($0).takeUnretainedValue() }
}

/// The connection table keeps the object alive until the daemon reports the connection closed.
private func connection(_ context: UnsafeMutableRawPointer?) -> Connection? {
    unsafe context.map { unsafe Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue() }
}

private func connectionChanged(
    context: UnsafeMutableRawPointer?, daemonConnection: OpaquePointer?,
    socketContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, change: MHD_ConnectionNotificationCode
) {
    guard let reception = unsafe reception(context), let socketContext = unsafe socketContext else { return }
    switch change {
    case .CONNECTION_NOTIFY_STARTED:
        guard let connection = unsafe reception.connections[cmicrohttpd_socket(daemonConnection)] else { return }
        unsafe socketContext.pointee = Unmanaged.passUnretained(connection).toOpaque()
        reception.connectionStarted(connection)
    default:
        if let connection = unsafe connection(socketContext.pointee) { reception.connectionClosed(connection) }
        unsafe socketContext.pointee = nil
    }
}

/// The first sight of a request; what is returned becomes `requestContext` of the callbacks below.
private func targetArrived(
    context: UnsafeMutableRawPointer?, target: UnsafePointer<CChar>?, daemonConnection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    let connectionContext = unsafe cmicrohttpd_context(daemonConnection)
    guard let reception = unsafe reception(context), let connection = unsafe connection(connectionContext),
        let target = unsafe target
    else { return nil }
    let count = unsafe strlen(target)
    unsafe target.withMemoryRebound(to: UInt8.self, capacity: count) { bytes in
        unsafe reception.targetArrived(connection, UnsafeBufferPointer(start: bytes, count: count).span)
    }
    return unsafe connectionContext
}

/// Decoding is ours: the daemon's own turns %00 into the end of the path.
private func leaveEscaped(
    context: UnsafeMutableRawPointer?, daemonConnection: OpaquePointer?, text: UnsafeMutablePointer<CChar>?
) -> Int {
    unsafe text.map { unsafe strlen($0) } ?? 0
}

private func handleRequest(
    context: UnsafeMutableRawPointer?, daemonConnection: OpaquePointer?, path: UnsafePointer<CChar>?,
    method: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?, upload: UnsafePointer<CChar>?,
    uploadSize: UnsafeMutablePointer<Int>?, requestContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let reception = unsafe reception(context), let daemonConnection = unsafe daemonConnection,
        let connection = unsafe connection(requestContext?.pointee), let uploadSize = unsafe uploadSize,
        let method = unsafe method, let path = unsafe path, let version = unsafe version
    else { return .NO }
    let step: NextStep
    if connection.draft?.awaitsHeaders == true {
        // In the daemon's buffer one byte separates the target from the version, so that a longer distance than the
        // target's shows a NUL in it, at which C saw its end.
        if unsafe path.distance(to: version) != (connection.draft?.targetBytes ?? 0) + 1 {
            connection.draft?.refuse(.badRequest("The request target holds a NUL."))
        }
        let headers = unsafe headers(of: daemonConnection)
        // The daemon's own answer to this would be a page of HTML.
        if unsafe strcmp(version, "HTTP/1.1") == 0, headers.count(where: { sameHeaderName($0.name, "Host") }) != 1 {
            connection.draft?.refuse(.badRequest("A request of HTTP/1.1 has exactly one header Host."))
        }
        step = unsafe reception.headersArrived(
            connection, method: String(cString: method), headers: headers,
            bytes: cmicrohttpd_header_bytes(daemonConnection))
    } else if let upload = unsafe upload, unsafe uploadSize.pointee > 0 {
        let count = unsafe uploadSize.pointee
        step = unsafe upload.withMemoryRebound(to: UInt8.self, capacity: count) { bytes in
            unsafe reception.bodyArrived(connection, UnsafeBufferPointer(start: bytes, count: count))
        }
        unsafe uploadSize.pointee = 0
    } else {
        step = reception.requestArrived(connection) { unsafe SuspendedConnection(suspending: daemonConnection) }
    }
    switch step {
    case .goOn: return .YES
    case .send(let response): return unsafe response.queue(on: daemonConnection)
    case .drop: return .NO
    }
}

private let queueOfLibrary = unsafe cmicrohttpd_queue_of_library()

/// The daemon answers malformed HTTP by itself, with pages of HTML and sometimes with two heads. It queues them by this
/// name, which the dynamic linker finds here first: the client gets a problem, and the daemon closes the connection.
/// Our own answers go to the library directly, so whatever comes by here is the daemon's.
@_cdecl("MHD_queue_response")
// Without this the optimizer makes a private function of it, and nothing finds it any more.
@usableFromInline
func daemonAnswers(_ daemonConnection: OpaquePointer?, _ status: UInt32, _ response: OpaquePointer?) -> UInt32 {
    if let connection = unsafe connection(cmicrohttpd_context(daemonConnection)),
        let daemonConnection = unsafe daemonConnection,
        connection.reception?.daemonRefuses(
            connection, status: Int(status), headers: unsafe headers(of: daemonConnection)) == true
    {
        return MHD_Result.NO.rawValue
    }
    return unsafe (queueOfLibrary?(daemonConnection, status, response) ?? .NO).rawValue
}

private func requestCompleted(
    context: UnsafeMutableRawPointer?, daemonConnection: OpaquePointer?,
    requestContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, why: MHD_RequestTerminationCode
) {
    guard let reception = unsafe reception(context), let connection = unsafe connection(requestContext?.pointee)
    else { return }
    reception.requestEnded(connection)
}

private typealias Headers = [(name: String, value: String)]

private func headers(of connection: OpaquePointer) -> Headers {
    var headers: Headers = []
    headers.reserveCapacity(8)
    _ = unsafe withUnsafeMutablePointer(to: &headers) { headers in
        unsafe MHD_get_connection_values_n(connection, .HEADER_KIND, appendHeader, headers)
    }
    return headers
}

private func appendHeader(
    list: UnsafeMutableRawPointer?, kind: MHD_ValueKind, name: UnsafePointer<CChar>?, nameCount: Int,
    value: UnsafePointer<CChar>?, valueCount: Int
) -> MHD_Result {
    guard let list = unsafe list else { return .NO }
    let name = unsafe string(name, nameCount)
    var value = unsafe string(value, valueCount)
    // The daemon takes `chunked ` for a coding it does not know and reads on for ever: there the blank must show.
    if !sameHeaderName(name, "Transfer-Encoding") { removeBlanks(atEndOf: &value) }
    unsafe list.assumingMemoryBound(to: Headers.self).pointee.append((name: name, value: value))
    return .YES
}

/// They are no part of a header's value (RFC 9110, 5.5). Those before it the daemon leaves out by itself.
private func removeBlanks(atEndOf value: inout String) {
    while let last = value.utf8.last, last == 0x20 || last == 0x09 { value.unicodeScalars.removeLast() }
}

private func string(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count)
    return unsafe String(decoding: bytes, as: UTF8.self)
}

/// The daemon mostly tells of clients that misbehave, so this is for those who look for it.
private func logged(context: UnsafeMutableRawPointer?, format: UnsafePointer<CChar>?, arguments: CVaListPointer?) {
    guard Log.isOn(.debug), let format = unsafe format, let arguments = unsafe arguments else { return }
    let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
        guard unsafe vsnprintf(buffer.baseAddress, buffer.count, format, arguments) >= 0,
            let start = buffer.baseAddress
        else { return "" }
        return unsafe String(cString: start)
    }
    Log.debug("libmicrohttpd: " + text.split(separator: "\n").joined(separator: " "))
}
