// A command as data: what it takes, what it says about itself, and what it does.
package import Platform

package struct Command: Sendable {
    package struct Option: Sendable {
        package let name: String
        /// What stands for the value in the help; nil for a switch.
        package let value: String?
        package let summary: String

        package static func flag(_ name: String, _ summary: String) -> Option {
            Option(name: name, value: nil, summary: summary)
        }
        package static func value(_ name: String, _ value: String, _ summary: String) -> Option {
            Option(name: name, value: value, summary: summary)
        }
    }

    package struct Positional: Sendable {
        package let name: String
        package let summary: String
        package var isOptional = false

        package init(name: String, summary: String, isOptional: Bool = false) {
            self.name = name
            self.summary = summary
            self.isOptional = isOptional
        }
    }

    /// One or two words: `up`, `dead-letters list`.
    package let name: String
    package let summary: String
    package var options: [Option] = []
    package var positionals: [Positional] = []
    /// The arguments of an invocation that makes sense.
    package let example: String
    /// Left out of the overview: called by programs, not by people.
    package var isHidden = false
    package let run: @Sendable (Invocation) throws -> Int32

    package init(
        name: String, summary: String, options: [Option] = [], positionals: [Positional] = [], example: String,
        isHidden: Bool = false, run: @escaping @Sendable (Invocation) throws -> Int32
    ) {
        self.name = name
        self.summary = summary
        self.options = options
        self.positionals = positionals
        self.example = example
        self.isHidden = isHidden
        self.run = run
    }

    var words: [String] { name.split(separator: " ").map(String.init) }
}

/// A command as somebody called it.
package struct Invocation: Sendable {
    package let system: SystemDescription
    package let settings: Settings
    package let command: String
    package fileprivate(set) var flags: Set<String> = []
    package fileprivate(set) var values: [String: String] = [:]
    package fileprivate(set) var positionals: [String] = []

    package func has(_ flag: String) -> Bool { flags.contains(flag) }
    package func value(_ option: String) -> String? { values[option] }

    /// A value that must be a whole number in a range.
    package func integer(_ option: String, in range: ClosedRange<Int64>) throws(UsageError) -> Int64? {
        guard let text = values[option] else { return nil }
        return try Self.integer(text, called: "--\(option)", in: range)
    }

    package static func integer(_ text: String, called name: String, in range: ClosedRange<Int64>) throws(UsageError)
        -> Int64
    {
        guard let number = Int64(text), range.contains(number) else {
            throw UsageError(
                "\(name) is '\(text)', expected a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

/// The call itself is wrong: exit status 2.
package struct UsageError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// The call was right and what it asked for did not work: exit status 1.
package struct Failure: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// The caller asked for help, which is not an error.
struct HelpWanted: Error {}

extension Command {
    /// Reads what follows the command's name: `--option value`, `--option=value`, switches, positionals; after `--`
    /// nothing is an option.
    func read(_ arguments: ArraySlice<String>, system: SystemDescription, settings: Settings) throws
        -> Invocation
    {
        var call = Invocation(system: system, settings: settings, command: name)
        var rest = arguments
        while let argument = rest.popFirst() {
            if argument == "--" {
                call.positionals += rest
                break
            }
            if argument == "--help" || argument == "-h" { throw HelpWanted() }
            if argument.hasPrefix("-") && argument.count > 1 {
                try readOption(argument, &rest, into: &call)
            } else {
                call.positionals.append(argument)
            }
        }
        try checkPositionals(call.positionals)
        return call
    }

    private func readOption(_ argument: String, _ rest: inout ArraySlice<String>, into call: inout Invocation) throws {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let option = options.first(where: { "--\($0.name)" == parts[0] }) else {
            let known = options.map { "--\($0.name)" } + ["--help"]
            throw UsageError("unknown option '\(parts[0])'" + Nearest.hint(parts[0], among: known))
        }
        guard let value = option.value else {
            guard parts.count == 1 else { throw UsageError("--\(option.name) takes no value") }
            call.flags.insert(option.name)
            return
        }
        guard let given = parts.count == 2 ? parts[1] : rest.popFirst() else {
            throw UsageError("--\(option.name) needs a value: --\(option.name) \(value)")
        }
        // An empty one is a variable that was not set, and no folder, count or place is meant by it.
        guard !given.isEmpty else { throw UsageError("--\(option.name) is empty, expected \(value)") }
        call.values[option.name] = given
    }

    private func checkPositionals(_ given: [String]) throws {
        if given.count > positionals.count {
            throw UsageError("unexpected argument '\(given[positionals.count])'")
        }
        if given.count < positionals.count(where: { !$0.isOptional }) {
            throw UsageError("missing argument \(positionals[given.count].name): \(positionals[given.count].summary)")
        }
    }
}
