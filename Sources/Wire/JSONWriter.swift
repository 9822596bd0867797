// JSON to bytes, appended to a buffer the caller reuses: compact, or indented for people.
import Platform

extension JSON {
    public var bytes: [UInt8] {
        var buffer: [UInt8] = []
        buffer.reserveCapacity(128)
        write(to: &buffer)
        return buffer
    }

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Indented by two spaces, the way httpie and browsers show it.
    public var prettyText: String {
        var buffer: [UInt8] = []
        writePretty(to: &buffer, indent: 0)
        return String(decoding: buffer, as: UTF8.self)
    }

    public func write(to buffer: inout [UInt8]) {
        switch self {
        case .null: buffer.append(contentsOf: "null".utf8)
        case .bool(let flag): buffer.append(contentsOf: (flag ? "true" : "false").utf8)
        case .integer(let number): Self.write(number, to: &buffer)
        // Parsed numbers are finite; a computed one that is not has no JSON form.
        case .number(let number): buffer.append(contentsOf: (number.isFinite ? number.description : "null").utf8)
        case .string(let text): Self.write(text, to: &buffer)
        case .array(let items):
            buffer.append(UInt8(ascii: "["))
            for (place, item) in items.enumerated() {
                if place > 0 { buffer.append(UInt8(ascii: ",")) }
                item.write(to: &buffer)
            }
            buffer.append(UInt8(ascii: "]"))
        case .object(let object): object.write(to: &buffer)
        }
    }

    /// The name of the next member of an object, with a comma where it is not the first.
    public static func beginMember(_ name: String, to buffer: inout [UInt8]) {
        if buffer.last != UInt8(ascii: "{") { buffer.append(UInt8(ascii: ",")) }
        write(name, to: &buffer)
        buffer.append(UInt8(ascii: ":"))
    }

    public static func write(_ number: Int64, to buffer: inout [UInt8]) {
        if number < 0 { buffer.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        var power: UInt64 = 1
        while rest / power >= 10 { power *= 10 }
        while power > 0 {
            buffer.append(UInt8(truncatingIfNeeded: 0x30 + rest / power))
            rest %= power
            power /= 10
        }
    }

    public static func write(_ text: String, to buffer: inout [UInt8]) { JSONText.write(text, to: &buffer) }

    private func writePretty(to buffer: inout [UInt8], indent: Int) {
        func newLine(_ indent: Int) {
            buffer.append(0x0A)
            buffer.append(contentsOf: repeatElement(0x20, count: indent))
        }
        switch self {
        case .array(let items) where !items.isEmpty:
            buffer.append(UInt8(ascii: "["))
            for (place, item) in items.enumerated() {
                if place > 0 { buffer.append(UInt8(ascii: ",")) }
                newLine(indent + 2)
                item.writePretty(to: &buffer, indent: indent + 2)
            }
            newLine(indent)
            buffer.append(UInt8(ascii: "]"))
        case .object(let object) where !object.isEmpty:
            buffer.append(UInt8(ascii: "{"))
            for (place, member) in object.members.enumerated() {
                if place > 0 { buffer.append(UInt8(ascii: ",")) }
                newLine(indent + 2)
                Self.write(member.name, to: &buffer)
                buffer.append(contentsOf: ": ".utf8)
                member.value.writePretty(to: &buffer, indent: indent + 2)
            }
            newLine(indent)
            buffer.append(UInt8(ascii: "}"))
        default: write(to: &buffer)
        }
    }
}

extension JSONObject {
    public var bytes: [UInt8] { JSON.object(self).bytes }
    public var text: String { JSON.object(self).text }

    public func write(to buffer: inout [UInt8]) {
        buffer.append(UInt8(ascii: "{"))
        for member in members {
            JSON.beginMember(member.name, to: &buffer)
            member.value.write(to: &buffer)
        }
        buffer.append(UInt8(ascii: "}"))
    }
}
