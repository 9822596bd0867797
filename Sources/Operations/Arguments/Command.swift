// A command as data: what it takes, what it says about itself, and what it does.
import Platform

struct Command: Sendable {
    struct Option: Sendable {
        let name: String
        /// What stands for the value in the help; nil for a switch.
        let value: String?
        let summary: String

        static func flag(_ name: String, _ summary: String) -> Option {
            Option(name: name, value: nil, summary: summary)
        }
        static func value(_ name: String, _ value: String, _ summary: String) -> Option {
            Option(name: name, value: value, summary: summary)
        }
    }

    struct Positional: Sendable {
        let name: String
        let summary: String
        var isOptional = false
    }

    /// One or two words: `up`, `dead-letters list`.
    let name: String
    let summary: String
    var options: [Option] = []
    var positionals: [Positional] = []
    /// The arguments of an invocation that makes sense.
    let example: String
    /// Left out of the overview: called by programs, not by people.
    var isHidden = false
    let run: @Sendable (Invocation) throws -> Int32

    var words: [String] { name.split(separator: " ").map(String.init) }
}

/// A command as somebody called it.
struct Invocation: Sendable {
    let system: SystemDescription
    let settings: Settings
    let command: String
    fileprivate(set) var flags: Set<String> = []
    fileprivate(set) var values: [String: String] = [:]
    fileprivate(set) var positionals: [String] = []

    func has(_ flag: String) -> Bool { flags.contains(flag) }
    func value(_ option: String) -> String? { values[option] }

    /// A value that must be a whole number in a range.
    func integer(_ option: String, in range: ClosedRange<Int64>) throws(UsageError) -> Int64? {
        guard let text = values[option] else { return nil }
        return try Self.integer(text, called: "--\(option)", in: range)
    }

    static func integer(_ text: String, called name: String, in range: ClosedRange<Int64>) throws(UsageError) -> Int64 {
        guard let number = Int64(text), range.contains(number) else {
            throw UsageError(
                "\(name) is '\(text)', expected a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

/// The call itself is wrong: exit status 2.
struct UsageError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The call was right and what it asked for did not work: exit status 1.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
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
