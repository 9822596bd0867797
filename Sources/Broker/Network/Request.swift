// A request in progress: who asked, in which version, and the way back.

final class Request {
    let api: Api
    let version: Int16
    let clientId: String
    private let correlationId: Int32
    private let connection: Connection

    init(api: Api, version: Int16, correlationId: Int32, clientId: String, connection: Connection) {
        self.api = api
        self.version = version
        self.correlationId = correlationId
        self.clientId = clientId
        self.connection = connection
    }

    var isFlexible: Bool { version >= api.flexibleFrom }
    var isAbandoned: Bool { connection.isClosed }

    /// An answer that begins with its header.
    func writer(capacity: Int = 128) -> ByteWriter {
        var writer = ByteWriter(capacity: capacity)
        writer.int32(0)
        writer.int32(correlationId)
        // The answer to ApiVersions keeps the old header for ever, so that clients of any age can read it.
        if isFlexible && api.key != ApiKey.apiVersions { writer.unsignedVarint(0) }
        writer.flexible = isFlexible
        return writer
    }

    func answer(_ message: ByteWriter) {
        var message = message
        message.patch32(at: 0, Int32(clamping: message.totalCount - 4))
        connection.answer(message)
    }

    /// Answers at once with what the closure writes.
    func answer(capacity: Int = 128, _ write: (inout ByteWriter) -> Void) {
        var message = writer(capacity: capacity)
        write(&message)
        answer(message)
    }

    /// For requests without an answer (produce with acks 0).
    func finishSilently() { connection.answer(nil) }

    func closeConnection() { connection.close() }
}
