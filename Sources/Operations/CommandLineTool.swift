// The front door: finds the command somebody means, runs it, and turns what goes wrong into a line and an exit status.
import Glibc
public import Platform

public enum CommandLineTool {
    /// Exit status: 0 done, 1 it did not work, 2 the call makes no sense.
    public static func run(
        _ system: SystemDescription, arguments: [String] = CommandLine.arguments, settings: Settings = .process
    ) -> Int32 {
        // A reader that went away (`bookstore watch | head`) ends a write with an error, not the process.
        signal(SIGPIPE, SIG_IGN)
        var words = arguments.dropFirst()
        // `help up` is `up --help`.
        if words.first == "help", words.count > 1 { words = words.dropFirst() + ["--help"] }
        let commands = Commands.all(system)
        switch words.first {
        case nil, "help", "--help", "-h":
            Terminal.write(Help.overview(system, commands), to: STDOUT_FILENO)
            return words.isEmpty ? 2 : 0
        case "--version", "version":
            Terminal.print(system.build(settings))
            return 0
        case "supervised": return Supervised.become(words.dropFirst())
        default: break
        }
        guard let command = find(words, commands) else {
            let word = words.first ?? ""
            let group = commands.filter { $0.words.first == word }
            if !group.isEmpty, ["help", "--help", "-h"].contains(words.dropFirst().first) {
                Terminal.write(Help.group(word, group, system), to: STDOUT_FILENO)
                return 0
            }
            Terminal.complain("\(system.executable): \(mistake(words, group, commands))")
            Terminal.complain("\(system.executable) --help lists the commands.")
            return 2
        }
        return run(command, words.dropFirst(command.words.count), system, settings)
    }

    /// What is wrong with words that are no command; `group` are the commands that begin with the first of them.
    private static func mistake(_ words: ArraySlice<String>, _ group: [Command], _ commands: [Command]) -> String {
        let word = words.first ?? ""
        if word.hasPrefix("-") {
            return "unknown option '\(word)'" + Nearest.hint(word, among: ["--help", "--version"])
        }
        if group.isEmpty {
            let known = commands.filter { !$0.isHidden }.map { $0.words[0] }
            return "unknown command '\(word)'" + Nearest.hint(word, among: known)
        }
        let names = group.map { "'\($0.name)'" }.joined(separator: ", ")
        let second = words.dropFirst().first ?? ""
        if second.isEmpty || second.hasPrefix("-") { return "'\(word)' alone is no command, expected one of \(names)" }
        return "unknown command '\(words.prefix(2).joined(separator: " "))', expected one of \(names)"
    }

    private static func find(_ words: ArraySlice<String>, _ commands: [Command]) -> Command? {
        commands.first { $0.words.count <= words.count && $0.words.elementsEqual(words.prefix($0.words.count)) }
    }

    private static func run(
        _ command: Command, _ arguments: ArraySlice<String>, _ system: SystemDescription, _ settings: Settings
    ) -> Int32 {
        let name = "\(system.executable) \(command.name)"
        do {
            // A tool speaks for itself; what the Kafka library murmurs meanwhile belongs into the logs of processes,
            // which set their own level when they start.
            let level = settings.text("LOG_LEVEL", default: "error")
            try Log.start(settings: settings.replacing(["LOG_LEVEL": level]), context: [:])
            return try command.run(try command.read(arguments, system: system, settings: settings))
        } catch is HelpWanted {
            Terminal.write(Help.of(command, system), to: STDOUT_FILENO)
            return 0
        } catch let error as UsageError {
            Terminal.complain("\(name): \(error)")
            Terminal.complain("Example: \(system.executable) \(command.example)   (\(name) --help says more)")
            return 2
        } catch let error as SettingsError {
            Terminal.complain("\(name): \(error)")
            return 2
        } catch {
            Terminal.complain("\(name): \(error)")
            return 1
        }
    }
}
