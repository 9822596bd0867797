// One JSON line an occurrence on standard error; coloured text when a person watches a terminal.
import Glibc
import Synchronization

public enum LogLevel: Int, Sendable, Comparable, CaseIterable {
    case debug, info, warning, error

    public var name: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    public static func < (one: LogLevel, other: LogLevel) -> Bool { one.rawValue < other.rawValue }
}

/// What a field of a log line holds.
public enum LogValue: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case text(String)
    case integer(Int64)

    public init(stringLiteral text: String) { self = .text(text) }
    public init(integerLiteral number: Int64) { self = .integer(number) }
    public init(_ text: String) { self = .text(text) }
    /// Text that somebody else has chosen: no more of it than this.
    public init(_ text: String, atMost count: Int) {
        // To count characters is dear, and hardly any text has so many bytes.
        self = .text(text.utf8.count <= count ? text : String(text.prefix(count)))
    }
    public init(_ number: some BinaryInteger) { self = .integer(Int64(clamping: number)) }
    /// Errors and other things that describe themselves.
    public init(describing thing: some Any) { self = .text(String(describing: thing)) }
}

public enum Log {
    private struct State {
        var level = LogLevel.info
        var pretty = false
        var coloured = false
        var context: [(name: String, value: LogValue)] = []
    }
    private static let state = Mutex(State())

    /// Called once at the start of a process: `LOG_LEVEL`, and the fields every line carries (service, instance).
    public static func start(
        settings: Settings = .process, context: KeyValuePairs<String, LogValue>
    ) throws(SettingsError) {
        let name = try settings.choice("LOG_LEVEL", default: "info", of: LogLevel.allCases.map(\.name))
        let format = try settings.choice("LOG_FORMAT", default: "auto", of: ["auto", "json", "pretty"])
        let level = LogLevel.allCases.first { $0.name == name } ?? .info
        let terminal = isatty(STDERR_FILENO) == 1
        let isPlain = settings.text("NO_COLOR") != nil || settings.text("TERM") == "dumb"
        state.withLock { state in
            state.level = level
            state.coloured = terminal && !isPlain
            state.pretty = format == "pretty" || (format == "auto" && terminal)
            state.context = context.map { (name: $0.key, value: $0.value) }
        }
    }

    public static func debug(_ message: String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
        write(.debug, message, fields)
    }
    public static func info(_ message: String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
        write(.info, message, fields)
    }
    public static func warning(_ message: String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
        write(.warning, message, fields)
    }
    public static func error(_ message: String, _ fields: KeyValuePairs<String, LogValue> = [:]) {
        write(.error, message, fields)
    }

    public static func isOn(_ level: LogLevel) -> Bool { state.withLock { $0.level <= level } }

    private static func write(_ level: LogLevel, _ message: String, _ fields: KeyValuePairs<String, LogValue>) {
        let line: [UInt8]? = state.withLock { state in
            guard level >= state.level else { return nil }
            return state.pretty
                ? Array(prettyLine(level, message, fields, coloured: state.coloured).utf8)
                : jsonLine(level, message, state.context, fields)
        }
        guard let line else { return }
        // One write a line keeps lines of several threads and processes whole; a full or closed pipe loses the line, not us.
        _ = unsafe line.withUnsafeBytes { bytes in unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }

    /// Put together as bytes, since an edge writes one for every request.
    static func jsonLine(
        _ level: LogLevel, _ message: String, _ context: [(name: String, value: LogValue)],
        _ fields: KeyValuePairs<String, LogValue>
    ) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(480)
        line.append(contentsOf: "{\"time\":\"".utf8)
        UTCTime(wallMilliseconds: Clock.wallMilliseconds()).writeRFC3339(to: &line)
        line.append(UInt8(ascii: "\""))
        append("level", .text(level.name), to: &line)
        append("message", .text(message), to: &line)
        for (name, value) in context { append(name, value, to: &line) }
        for (name, value) in fields { append(name, value, to: &line) }
        line.append(contentsOf: "}\n".utf8)
        return line
    }

    private static func append(_ name: String, _ value: LogValue, to line: inout [UInt8]) {
        line.append(UInt8(ascii: ","))
        JSONText.write(name, to: &line)
        line.append(UInt8(ascii: ":"))
        switch value {
        case .integer(let number): line.append(contentsOf: String(number).utf8)
        case .text(let text): JSONText.write(text, to: &line)
        }
    }

    private static func prettyLine(
        _ level: LogLevel, _ message: String, _ fields: KeyValuePairs<String, LogValue>, coloured: Bool
    ) -> String {
        let colour =
            switch level {
            case .debug: "\u{1B}[2m"
            case .info: ""
            case .warning: "\u{1B}[33m"
            case .error: "\u{1B}[31m"
            }
        var line = String(UTCTime(wallMilliseconds: Clock.wallMilliseconds()).rfc3339.dropFirst(11))
        line += coloured ? " \(colour)\(message)\u{1B}[0m" : " \(level.name): \(message)"
        for (name, value) in fields {
            switch value {
            case .integer(let number): line += "  \(name)=\(number)"
            case .text(let text): line += "  \(name)=\(text)"
            }
        }
        return line + "\n"
    }
}
