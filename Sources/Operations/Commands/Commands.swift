// All commands of the kit, in the order the overview lists them.

enum Commands {
    static func all(_ system: SystemDescription) -> [Command] {
        [Up.command, Up.background, Down.command, Status.command, Demo.command, Watch.command] + Trace.commands
            + DeadLetters.commands + ShardCommand.commands + [TopicsCommand.command, Health.command]
            + Documents.commands + Services.commands(system) + system.additions
    }
}
