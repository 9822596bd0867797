// Settings come from the environment, by name, with a default and a range; nothing else configures a process.
import Glibc

/// A setting that makes no sense. The text names the variable, what it holds and what it may hold.
public struct SettingsError: Error, CustomStringConvertible, Equatable {
    public let variable: String
    public let description: String

    public init(_ variable: String, _ problem: String) {
        self.variable = variable
        self.description = "\(variable): \(problem)"
    }
}

extension SettingsError {
    /// Exit status of a process that an error has ended: 2 for a setting that makes no sense, since a restart will not
    /// help; 1 for everything that went wrong while it ran.
    public static func exitStatus(of error: any Error) -> Int32 { error is SettingsError ? 2 : 1 }
}

public struct Settings: Sendable {
    private let variables: [String: String]

    public init(_ variables: [String: String]) { self.variables = variables }

    /// The environment this process was started with.
    public static let process = Settings(readEnvironment())

    /// The text of a variable; an empty one counts as unset, as in compose files and ConfigMaps.
    public func text(_ variable: String) -> String? {
        guard let text = variables[variable], !text.isEmpty else { return nil }
        return text
    }

    public func text(_ variable: String, default: String) -> String { text(variable) ?? `default` }

    public func integer<Number: FixedWidthInteger & Sendable>(
        _ variable: String, default: Number, in range: ClosedRange<Number>
    ) throws(SettingsError) -> Number {
        guard let text = text(variable) else { return `default` }
        guard let number = Number(text), range.contains(number) else {
            throw SettingsError(
                variable, "is '\(text)', expected a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    public func flag(_ variable: String, default: Bool) throws(SettingsError) -> Bool {
        switch text(variable)?.lowercased() {
        case nil: `default`
        case "1", "true", "yes", "on": true
        case "0", "false", "no", "off": false
        case .some(let other): throw SettingsError(variable, "is '\(other)', expected true or false")
        }
    }

    public func choice(_ variable: String, default: String, of choices: [String]) throws(SettingsError) -> String {
        let text = text(variable, default: `default`)
        guard choices.contains(text) else {
            throw SettingsError(variable, "is '\(text)', expected one of \(choices.joined(separator: ", "))")
        }
        return text
    }

    /// The same settings with some replaced, for processes that start others.
    public func replacing(_ changes: [String: String]) -> Settings {
        Settings(variables.merging(changes) { _, new in new })
    }

    public var all: [String: String] { variables }

    private static func readEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        // `environ` ends with a null pointer and is read once, before any thread could change it.
        var entry = unsafe environ
        while let line = unsafe entry.pointee {
            let text = unsafe String(cString: line)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            unsafe entry += 1
        }
        return variables
    }
}
