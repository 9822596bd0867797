// HAL by splicing: a shard's JSON goes through as it is, the links are written before its last brace.
import Contract
import Wire

/// The links of the items of one resource, made once an answer.
struct ItemLinks {
    /// `http://host/books/`
    private let address: [UInt8]
    private let item: [UInt8]

    init(base: String, resource: Resource) {
        address = Array("\(base)/\(resource.name)/".utf8)
        item = Array(resource.item.utf8)
    }

    /// Appends an object of a shard, with its `_links`. False when it is no object.
    func write(_ object: ArraySlice<UInt8>, id: Int64, to buffer: inout [UInt8]) -> Bool {
        guard object.first == UInt8(ascii: "{"), object.last == UInt8(ascii: "}") else { return false }
        buffer.append(contentsOf: object.dropLast())
        if object.count > 2 { buffer.append(UInt8(ascii: ",")) }
        let digits = Array(String(id).utf8)
        buffer.append(contentsOf: #""_links":{"self":{"href":""#.utf8)
        buffer.append(contentsOf: address)
        buffer.append(contentsOf: digits)
        buffer.append(contentsOf: #""},""#.utf8)
        buffer.append(contentsOf: item)
        buffer.append(contentsOf: #"":{"href":""#.utf8)
        buffer.append(contentsOf: address)
        buffer.append(contentsOf: digits)
        buffer.append(contentsOf: #""}}}"#.utf8)
        return true
    }
}

enum HAL {
    static func link(_ href: String) -> JSON {
        href.utf8.contains(UInt8(ascii: "{")) ? ["href": .string(href), "templated": true] : ["href": .string(href)]
    }

    /// `name` with `_links` and nothing else.
    static func links(_ links: [(String, JSON)]) -> JSONObject { ["_links": .object(JSONObject(links))] }
}
