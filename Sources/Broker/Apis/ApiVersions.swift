// ApiVersions: what this broker speaks.

enum ApiVersions {
    static func handle(_ node: BrokerNode, _ request: Request, _ reader: inout ByteReader) throws(MalformedRequest) {
        var isNamed = true
        if request.version >= 3 {
            let name = try reader.string()
            let version = try reader.string()
            try reader.endStructure()
            isNamed = [name, version].allSatisfy(isSoftwareName)
        }
        request.answer(capacity: 512) { writer in
            writer.error(isNamed ? .none : .invalidRequest)
            writer.array(isNamed ? Api.sorted : [], ApiVersions.write)
            if request.version >= 1 { writer.int32(0) }
            writer.endStructure()
        }
    }

    /// Letters, digits, dots and dashes, with a letter or a digit at both ends, as Kafka has it.
    private static func isSoftwareName(_ text: String) -> Bool {
        func isLetterOrDigit(_ byte: UInt8) -> Bool {
            let lower = byte | 0x20
            return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lower)
        }
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        return isLetterOrDigit(first) && isLetterOrDigit(last)
            && text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
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
