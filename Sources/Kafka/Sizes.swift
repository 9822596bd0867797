// How large a record is: everything that a broker stores of it, as a topic's limit counts it before compression.

extension Headers {
    /// Names, values and their lengths.
    public var byteCount: Int { bytes.count }

    /// Bytes of the last value of this name.
    public func byteCount(of name: String) -> Int? { find(name)?.count }
}

extension Record {
    public var byteCount: Int { (key?.count ?? 0) + (value?.count ?? 0) + headers.byteCount }
}

extension OutgoingRecord {
    public var byteCount: Int { (key?.count ?? 0) + (value?.count ?? 0) + headers.byteCount }
}
