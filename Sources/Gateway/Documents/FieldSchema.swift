// A contract's fields as JSON Schema: strictly what we answer, and just as loosely as we read.
import Contract
import Wire

extension Field {
    /// What an answer or an event holds.
    var answerSchema: JSON {
        var schema = JSONObject()
        switch kind {
        case .identifier: schema = ["type": type("integer"), "format": "int64", "minimum": 1]
        case .integer(let range): schema = integerSchema(range)
        case .text: schema = ["type": type("string")]
        case .flag: schema = ["type": type("boolean")]
        }
        return described(schema)
    }

    /// What a list may be narrowed by.
    var filterSchema: JSON {
        switch kind {
        case .identifier: ["type": "integer", "format": "int64", "minimum": 1]
        case .integer(let range): ["type": "integer", "minimum": .integer(range.lowerBound)]
        case .text: ["type": "string"]
        case .flag: ["type": "boolean"]
        }
    }

    private func integerSchema(_ range: ClosedRange<Int64>) -> JSONObject {
        let isSmall = range.lowerBound >= Int64(Int32.min) && range.upperBound <= Int64(Int32.max)
        return [
            "type": type("integer"), "format": isSmall ? "int32" : "int64", "minimum": .integer(range.lowerBound),
            "maximum": .integer(range.upperBound),
        ]
    }

    private func type(_ name: String) -> JSON { isRequired ? .string(name) : [.string(name), "null"] }

    /// What a request may hold: a number may come as text and a text as number, as the originals' clients send them.
    var requestSchema: JSON {
        var types: [JSON] = []
        var schema = JSONObject()
        switch kind {
        case .identifier: (types, schema) = looseInteger(1...Int64.max)
        case .integer(let range): (types, schema) = looseInteger(range)
        case .text(let charactersMax, let strict):
            types = strict ? ["string"] : ["string", "number"]
            schema = ["maxLength": .integer(Int64(charactersMax))]
        case .flag:
            types = ["boolean", "string"]
            schema = ["pattern": .string(isRequired ? "^(true|false)$" : "^(true|false)?$")]
        }
        if !isRequired { types.append("null") }
        return described(
            JSONObject([("type", types.count == 1 ? types[0] : .array(types))] + schema.members.map { ($0, $1) }))
    }

    private func looseInteger(_ range: ClosedRange<Int64>) -> ([JSON], JSONObject) {
        var schema: JSONObject = ["minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)]
        guard let pattern = Self.pattern(range) else { return (["integer"], schema) }
        schema.append("pattern", .string(isRequired ? "^\(pattern)$" : "^(\(pattern))?$"))
        return (["integer", "string"], schema)
    }

    /// Digits that lie in the range whatever they are. A pattern cannot say more about a range, and need not.
    private static func pattern(_ range: ClosedRange<Int64>) -> String? {
        let digits = String(range.upperBound).count - 1
        guard range.upperBound > 9 else { return nil }
        switch range.lowerBound {
        case 1: return "[1-9][0-9]{0,\(digits - 1)}"
        case ...0: return "[0-9]{1,\(digits)}"
        default: return nil
        }
    }

    private func described(_ schema: JSONObject) -> JSON {
        var schema = schema
        if isReadOnly { schema.append("readOnly", true) }
        if !summary.isEmpty { schema.append("description", .string(summary)) }
        return .object(schema)
    }
}

enum Schema {
    static func reference(_ name: String) -> JSON { ["$ref": .string("#/components/schemas/\(name)")] }

    static func object(_ properties: [(String, JSON)], required: [String], _ summary: String = "") -> JSON {
        var schema: JSONObject = ["type": "object"]
        if !summary.isEmpty { schema.append("description", .string(summary)) }
        if !required.isEmpty { schema.append("required", .array(required.map(JSON.string))) }
        schema.append("properties", .object(JSONObject(properties)))
        return .object(schema)
    }

    /// `book` as `Book`.
    static func typeName(_ item: String) -> String { item.prefix(1).uppercased() + item.dropFirst() }
}

extension Resource {
    var typeName: String { Schema.typeName(item) }

    /// The schemas of one resource: the item, what makes or changes one, and the list.
    var schemas: [(String, JSON)] {
        var schemas: [(String, JSON)] = [(typeName, itemSchema)]
        let writable = writableFields.map { ($0.name, $0.requestSchema) }
        if actions.contains(.create) || actions.contains(.replace) {
            let required = writableFields.filter(\.isRequired).map(\.name)
            schemas.append(("\(typeName)Input", Schema.object(writable, required: required)))
        }
        if actions.contains(.change) {
            schemas.append(("\(typeName)Change", Schema.object(writable, required: [], "Only what is to change.")))
        }
        if actions.contains(.list) { schemas.append(("\(typeName)List", listSchema)) }
        return schemas
    }

    private var itemSchema: JSON {
        var properties = fields.map { ($0.name, $0.answerSchema) }
        var required = fields.map(\.name)
        if representation == .hal {
            properties.append(
                (
                    "_links",
                    Schema.object(
                        [("self", Schema.reference("Link")), (item, Schema.reference("Link"))],
                        required: ["self", item])
                ))
            required.append("_links")
        }
        return Schema.object(properties, required: required, summary)
    }

    private var listSchema: JSON {
        let items: JSON = ["type": "array", "items": Schema.reference(typeName)]
        guard representation == .hal else { return items }
        return Schema.object(
            [
                ("_embedded", Schema.object([(name, items)], required: [name])),
                ("_links", ["type": "object", "additionalProperties": Schema.reference("Link"), "required": ["self"]]),
                ("page", Schema.reference("Page")),
            ], required: ["_embedded", "_links", "page"])
    }
}
