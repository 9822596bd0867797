// The version of an item as HTTP names it: a tag made of the item's bytes, the same at the edge and in the shard.
import Platform

public enum EntityTag {
    /// `"` + 16 hexadecimal digits + `"`.
    public static func of(_ bytes: [UInt8]) -> String {
        var hash = StableHash()
        hash.combine(bytes)
        let digits = String(hash.value, radix: 16)
        return "\"" + String(repeating: "0", count: 16 - digits.count) + digits + "\""
    }

    /// Whether an `If-Match` header allows a change of the item with this tag: weak tags never do.
    public static func ifMatch(_ header: String, allows tag: String) -> Bool {
        list(header).contains { $0 == "*" || $0 == tag }
    }

    /// Whether an `If-None-Match` header says that the client already has the item with this tag.
    public static func ifNoneMatch(_ header: String, knows tag: String) -> Bool {
        list(header).contains { $0 == "*" || ($0.hasPrefix("W/") ? $0.dropFirst(2) : $0) == tag }
    }

    /// Our tags hold no commas, so a tag that a comma splits is a foreign one and matches nothing, as it should.
    private static func list(_ header: String) -> [Substring] {
        header.split(separator: ",").map { String($0).trimmingSpaces }
    }
}
