// One field of a resource or a message: its name, what it may hold, and how loosely a client may write it.
public import Wire

public struct Field: Sendable {
    public enum Kind: Sendable, Equatable {
        /// A positive 64-bit id.
        case identifier
        case integer(ClosedRange<Int64>)
        /// Any Unicode text of so many characters at most. A strict one takes no number in place of a text.
        case text(charactersMax: Int, strict: Bool)
        case flag
    }

    public let name: String
    public let kind: Kind
    /// Must be there, and not null, when a client creates or replaces the resource.
    public let isRequired: Bool
    /// Set by the service alone; what a client writes here is ignored.
    public let isReadOnly: Bool
    public let summary: String

    private init(_ name: String, _ kind: Kind, required: Bool, readOnly: Bool, _ summary: String) {
        self.name = name
        self.kind = kind
        self.isRequired = required
        self.isReadOnly = readOnly
        self.summary = summary
    }

    public static func identifier(_ name: String, required: Bool = true, readOnly: Bool = false, _ summary: String = "")
        -> Field
    {
        Field(name, .identifier, required: required, readOnly: readOnly, summary)
    }

    public static func integer(
        _ name: String, in range: ClosedRange<Int64> = Int64(Int32.min)...Int64(Int32.max), required: Bool = true,
        readOnly: Bool = false, _ summary: String = ""
    ) -> Field {
        Field(name, .integer(range), required: required, readOnly: readOnly, summary)
    }

    public static func text(
        _ name: String, charactersMax: Int = 1000, strict: Bool = false, required: Bool = true, readOnly: Bool = false,
        _ summary: String = ""
    ) -> Field {
        Field(
            name, .text(charactersMax: charactersMax, strict: strict), required: required, readOnly: readOnly, summary)
    }

    public static func flag(_ name: String, required: Bool = true, readOnly: Bool = false, _ summary: String = "")
        -> Field
    {
        Field(name, .flag, required: required, readOnly: readOnly, summary)
    }
}

extension Field {
    /// What a client or another program wrote, as this field's own type: `"100"` is 100 and an empty text for a number
    /// is null, as with the originals. Throws a 400 that names the field, the value and what was expected.
    public func coerce(_ value: JSON) throws(Problem) -> JSON {
        if value.isNull { return .null }
        switch kind {
        case .identifier: return try coerceInteger(value, in: 1...Int64.max)
        case .integer(let range): return try coerceInteger(value, in: range)
        case .text(let charactersMax, let strict): return try coerceText(value, charactersMax, strict)
        case .flag: return try coerceFlag(value)
        }
    }

    private func coerceInteger(_ value: JSON, in range: ClosedRange<Int64>) throws(Problem) -> JSON {
        let number: Int64
        switch value {
        case .integer(let integer): number = integer
        // JSON knows one kind of number: 7.0 is 7. 7.5 is refused, and so is what a Double no longer holds exactly.
        case .number(let double):
            guard let integer = Int64(exactly: double), integer.magnitude < 1 << 53 else { throw refuse(value) }
            number = integer
        case .string(let text):
            let trimmed = text.trimmingSpaces
            if trimmed.isEmpty { return .null }
            guard let integer = Int64(trimmed) else { throw refuse(value) }
            number = integer
        default: throw refuse(value)
        }
        guard range.contains(number) else { throw refuse(value) }
        return .integer(number)
    }

    private func coerceText(_ value: JSON, _ charactersMax: Int, _ strict: Bool) throws(Problem) -> JSON {
        let text: String
        switch value {
        case .string(let string): text = string
        case .integer(let number) where !strict: text = String(number)
        // Its digits; a number that a Double no longer holds exactly has lost some of them.
        case .number(let number) where !strict && number.magnitude < 0x1p53:
            text = Int64(exactly: number).map { String($0) } ?? String(number)
        default: throw refuse(value)
        }
        // Scalars, not grapheme clusters: cheap to count, and what the databases of the originals count.
        guard text.unicodeScalars.count <= charactersMax else { throw refuse(value) }
        return .string(text)
    }

    private func coerceFlag(_ value: JSON) throws(Problem) -> JSON {
        switch value {
        case .bool: return value
        case .string(let text):
            switch text.trimmingSpaces.lowercased() {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "": return .null
            default: throw refuse(value)
            }
        default: throw refuse(value)
        }
    }

    /// What the field takes, for error texts and people.
    public var expectation: String {
        switch kind {
        case .identifier: "a positive whole number"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .text(let charactersMax, _): "a text of at most \(charactersMax) characters"
        case .flag: "true or false"
        }
    }

    private func refuse(_ value: JSON) -> Problem {
        var shown = value.text
        // A refused megabyte must not come back as a megabyte.
        if shown.utf8.count > 80 { shown = shown.prefix(80) + "…" }
        // Its digits would be others than were sent.
        if case .number(let number) = value, number.magnitude >= 0x1p53 { shown = "a number of more than 53 bits" }
        return .badRequest("field '\(name)' is \(shown), expected \(expectation)")
    }
}

extension String {
    /// Without the spaces around it.
    var trimmingSpaces: Substring {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
