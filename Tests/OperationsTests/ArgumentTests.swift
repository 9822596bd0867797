// What a person types, and what they are told when it makes no sense.
import Platform
import Testing
import Wire

@testable import Operations

@Suite struct ArgumentTests {
    private let command = Command(
        name: "try", summary: "Tries",
        options: [.flag("detach", "behind"), .value("run-dir", "DIR", "where"), .value("count", "N", "how many")],
        positionals: [
            Command.Positional(name: "FIRST", summary: "the first"),
            Command.Positional(name: "SECOND", summary: "the second", isOptional: true),
        ], example: "try x", run: { _ in 0 })

    private func read(_ words: String...) throws -> Invocation {
        try command.read(words[...], system: Sample.system, settings: Settings([:]))
    }

    @Test func optionsValuesAndPositionals() throws {
        let call = try read("--detach", "one", "--run-dir", "a b", "--count=3", "two")
        #expect(call.has("detach"))
        #expect(call.value("run-dir") == "a b")
        #expect(try call.integer("count", in: 1...5) == 3)
        #expect(call.positionals == ["one", "two"])
    }

    @Test func nothingIsAnOptionAfterTwoHyphens() throws {
        #expect(try read("--", "--detach").positionals == ["--detach"])
    }

    @Test(arguments: [
        (["--detch", "x"], "unknown option '--detch', did you mean '--detach'?"),
        (["--frobnicate", "x"], "unknown option '--frobnicate'"),
        (["--detach=1", "x"], "--detach takes no value"),
        (["x", "--run-dir"], "--run-dir needs a value: --run-dir DIR"),
        (["x", "--run-dir", ""], "--run-dir is empty, expected DIR"),
        (["x", "--run-dir="], "--run-dir is empty, expected DIR"),
        (["x", "y", "z"], "unexpected argument 'z'"),
        ([], "missing argument FIRST: the first"),
    ])
    func mistakes(words: [String], text: String) {
        let error = #expect(throws: UsageError.self) {
            try command.read(words[...], system: Sample.system, settings: Settings([:]))
        }
        #expect(error?.description == text)
    }

    @Test func numbersOutOfRangeNameTheOption() throws {
        let error = #expect(throws: UsageError.self) { try read("x", "--count", "9").integer("count", in: 1...5) }
        #expect(error?.description == "--count is '9', expected a whole number from 1 to 5")
    }

    @Test func helpIsNoMistake() {
        #expect(throws: HelpWanted.self) { try read("--help") }
    }

    @Test(arguments: [("stauts", "status", 2), ("up", "up", 0), ("", "abc", 3), ("kitten", "sitting", 3)])
    func distances(one: String, other: String, distance: Int) {
        #expect(Nearest.distance(one, other) == distance)
    }

    @Test(arguments: [
        ("stauts", ", did you mean 'status'?"), ("ordre", ", did you mean 'order'?"), ("foo", ""), ("u", ""), ("", ""),
    ])
    func onlyANearWordIsSuggested(word: String, hint: String) {
        #expect(Nearest.hint(word, among: ["up", "status", "order", "book"]) == hint)
    }

    @Test func summariesOfAHelpTextBeginInOneColumn() {
        let lines = Help.of(command, Sample.system).split(separator: "\n").filter { $0.hasPrefix("  ") }
        #expect(
            lines == [
                "  FIRST          the first", "  SECOND         the second", "  --detach       behind",
                "  --run-dir DIR  where", "  --count N      how many", "  --help         this text",
            ])
    }

    @Test(arguments: [
        ["shard"], ["dead-letters", "--run-dir", "x"], ["shard", "frob"], ["demo", "--url", "nonsense"],
    ])
    func callsThatMakeNoSense(words: [String]) {
        let status = CommandLineTool.run(Sample.system, arguments: ["tool"] + words, settings: Settings([:]))
        #expect(status == 2)
    }

    @Test func countsThatDifferFromWhatRunsAreNamed() throws {
        let replicas = try Replicas("order=2", known: ["order", "gateway"])
        let services = ["order", "gateway"]
        #expect(replicas.differences(from: ["broker-0", "order-0", "order-1", "gateway-0"], of: services) == [])
        #expect(replicas.differences(from: ["broker-0", "order-0"], of: services) == ["order=1", "gateway=0"])
    }

    @Test func everyCommandHasAnExampleOfItsOwn() {
        for command in Commands.all(Sample.system) {
            #expect(command.example.hasPrefix(command.name), "\(command.name)")
            #expect(!command.summary.hasSuffix("."), "\(command.name)")
        }
    }

    @Test func helpIsEverywhere() {
        let silent = Settings([:])
        for command in Commands.all(Sample.system) {
            for words in [command.words, [command.words[0]]] {
                let status = CommandLineTool.run(
                    Sample.system, arguments: ["tool"] + words + ["--help"], settings: silent)
                #expect(status == 0, "\(words)")
            }
        }
    }

    @Test(arguments: [
        (["help", "up"], 0), (["help", "shard"], 0), (["help", "shard", "list"], 0), (["help"], 0),
        (["help", "ship"], 2),
    ])
    func helpMayComeFirst(words: [String], expected: Int) {
        let status = CommandLineTool.run(Sample.system, arguments: ["tool"] + words, settings: Settings([:]))
        #expect(Int(status) == expected)
    }

    @Test(arguments: [
        ("order=2,bookinventory=3", "order", 2), ("order=2", "bookinventory", 1), ("", "order", 1),
        ("order=0", "order", 0),
    ])
    func replicas(text: String, service: String, count: Int) throws {
        #expect(try Replicas(text, known: ["order", "bookinventory"]).count(service) == count)
    }

    @Test(arguments: ["ordr=2", "order", "order=x", "order=-1", "order=100", "order=1,order=2"])
    func replicasThatMakeNoSense(text: String) {
        #expect(throws: UsageError.self) { try Replicas(text, known: ["order"]) }
    }

    @Test func theBuildIsNamed() {
        let (none, image) = (Settings([:]), Settings(["BUILD_COMMIT": "image"]))
        let told = SystemDescription(
            executable: "x", version: "1", commit: "abc", contract: Sample.system.contract, services: [])
        #expect(told.build(none) == "x 1 (abc)" && told.build(image) == "x 1 (image)")
        #expect(Sample.system.build(none).hasSuffix("(dev)"))
    }
}
