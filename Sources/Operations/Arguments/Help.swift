// Help texts, made from the commands themselves.

enum Help {
    static func overview(_ system: SystemDescription, _ commands: [Command]) -> String {
        var text = "\(system.contract.title): \(system.contract.summary)\n\n"
        text += "Usage: \(system.executable) COMMAND [OPTIONS]\n\n"
        text += lines(commands.filter { !$0.isHidden }.map { ($0.name, $0.summary) })
        text += "\n\(system.executable) COMMAND --help explains a command, with an example.\n"
        return text
    }

    /// Of commands that share their first word.
    static func group(_ word: String, _ commands: [Command], _ system: SystemDescription) -> String {
        var text = "Usage: \(system.executable) \(word) COMMAND [OPTIONS]\n\n"
        text += lines(commands.filter { !$0.isHidden }.map { ($0.name, $0.summary) })
        if let example = commands.first?.example { text += "\nExample: \(system.executable) \(example)\n" }
        text += "\(system.executable) \(word) COMMAND --help explains a command.\n"
        return text
    }

    static func of(_ command: Command, _ system: SystemDescription) -> String {
        var usage = "Usage: \(system.executable) \(command.name)"
        for positional in command.positionals {
            usage += positional.isOptional ? " [\(positional.name)]" : " \(positional.name)"
        }
        if !command.options.isEmpty { usage += " [OPTIONS]" }
        var text = "\(command.summary).\n\n\(usage)\n\n"
        // Together, so that all summaries begin in one column.
        text += lines(
            command.positionals.map { ($0.name, $0.summary) }
                + command.options.map { ("--\($0.name)\($0.value.map { " " + $0 } ?? "")", $0.summary) }
                + [("--help", "this text")])
        text += "\nExample: \(system.executable) \(command.example)\n"
        return text
    }

    private static func lines(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { "  \($0.0.padded(to: width))  \($0.1)\n" }.joined()
    }
}
