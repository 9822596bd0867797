// ApiVersions: what this broker speaks.

enum ApiVersions {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        request.answer(capacity: 512) { writer in
            writer.error(.none)
            writer.array(Api.sorted, ApiVersions.write)
            if request.version >= 1 { writer.int32(0) }
            writer.endStructure()
        }
    }

    private static func write(_ writer: inout ByteWriter, _ api: Api) {
        writer.int16(api.key)
        writer.int16(api.advertised.lowerBound)
        writer.int16(api.advertised.upperBound)
        writer.endStructure()
    }

    /// A client newer than this broker learns in version 0 which versions of ApiVersions there are, and asks again.
    static func refuse(_ correlationId: Int32, _ connection: Connection) {
        var writer = ByteWriter()
        writer.int32(0)
        writer.int32(correlationId)
        writer.error(.unsupportedVersion)
        writer.array(Api.sorted.filter { $0.key == ApiKey.apiVersions }, ApiVersions.write)
        writer.patch32(at: 0, Int32(writer.bytes.count - 4))
        connection.answer(writer)
    }
}
