// The system as a person at a terminal meets it.
import Foundation
import Platform
import TestSupport
import Testing
import Wire

@testable import Operations

@Suite(.serialized) struct CommandLineTests {
    @Test(arguments: Shape.all)
    func theWalkThroughEndsWellAndMayBeRepeated(shape: Shape) throws {
        let system = try TestSystem.shared(shape)
        for _ in 0..<2 {
            let result = try system.bookstore("demo")
            #expect(result.status == 0, "\(result.output)\(result.errors)")
            #expect(result.output.contains("as they should be"))
        }
    }

    @Test func aSecondUpSaysThatItIsRunning() throws {
        let system = try TestSystem.shared(Shape.all[0])
        let result = try system.bookstore("up", "--detach")
        #expect(result.status == 0)
        #expect(result.output.contains("already running"))
        #expect(result.output.contains("http://\(system.gateway.address)"))
    }

    @Test func statusKnowsEveryProcess() throws {
        let system = try TestSystem.shared(Shape.all[0])
        let result = try system.bookstore("status", "--json")
        #expect(result.status == 0)
        let status = try JSON(parsing: Array(result.output.utf8))
        let instances = (status["instances"].array ?? []).compactMap { $0["instance"].string }
        #expect(
            instances == ["broker-0", "customer-0", "bookinventory-0", "order-0", "delivery-0", "gateway-0"])
        for instance in status["instances"].array ?? [] {
            let name = instance["instance"].string ?? ""
            #expect(instance["alive"].bool == true, "\(name)")
            #expect(instance["pid"].integer == system.pid(name).map(Int64.init), "\(name)")
        }
    }

    @Test func aKilledProcessComesBackUnderItsName() throws {
        let system = try TestSystem.shared(Shape.all[0])
        let book = try system.book(stock: 7)
        for instance in ["bookinventory-0", "gateway-0"] {
            let old = try system.kill(instance)
            try system.awaitRestart(instance, after: old)
        }
        try system.awaitItem("/books/\(book)", ["stock": 7])
    }

    @Test(arguments: Shape.all)
    func stateSurvivesDownAndUpAndTheDeathOfEverything(shape: Shape) throws {
        let system = try TestSystem(shape)
        defer { system.end() }
        let book = try system.book(stock: 3)
        try system.down()
        for file in ["order-0", "broker-0", "gateway-0"] { #expect(system.pid(file) == nil) }
        try system.up()
        try system.awaitItem("/books/\(book)", ["stock": 3])

        let second = try system.book(stock: 4)
        let supervisor = try #require(SupervisorLock.holder(system.run))
        let pids = FileSystem.list(system.run.pidsFolder).compactMap { system.pid($0) }
        kill(supervisor, SIGKILL)
        try eventually("nothing is left behind") { pids.allSatisfy { !ProcessFacts($0).isAlive } }
        try system.up()
        try system.awaitItem("/books/\(second)", ["stock": 4])
        #expect(try system.book(stock: 1) != second)
    }

    @Test func aTakenPortIsAnErrorThatNamesPortAndVariable() throws {
        let system = try TestSystem.shared(Shape.all[0])
        try withTemporaryDirectory { directory in
            let result = try system.bookstore("up", "--detach", "--run-dir", directory)
            #expect(result.status == 1)
            let text = result.output + result.errors
            #expect(text.contains("port \(system.order.address.port) is in use"))
            #expect(text.contains("set ORDER_PORT"))
        }
    }

    @Test func aKafkaThatIsNotThereEndsUpInTime() throws {
        let system = try TestSystem.shared(Shape.all[0])
        try withTemporaryDirectory { directory in
            let result = try system.bookstore(
                "up", "--detach", "--run-dir", directory,
                environment: [
                    "KAFKA_BOOTSTRAP": "127.0.0.1:1", "UP_WAIT_MS": "1000", "GATEWAY_PORT": "0", "ORDER_PORT": "0",
                ])
            #expect(result.status == 1)
            #expect(result.output.contains("waiting for Kafka at 127.0.0.1:1"))
            #expect(result.output.contains("does not answer in time"))
        }
    }

    @Test func twoProcessesOnOnePortAreRefused() throws {
        let system = try TestSystem.shared(Shape.all[0])
        try withTemporaryDirectory { directory in
            let port = String(try freePort())
            let result = try system.bookstore(
                "up", "--detach", "--run-dir", directory, environment: ["GATEWAY_PORT": port, "ORDER_PORT": port])
            #expect(result.status == 2)
            #expect((result.output + result.errors).contains("GATEWAY_PORT: is the port that ORDER_PORT is"))
        }
    }

    /// Another place than the environment says is known to nobody but who has named it.
    @Test func whatUpInvitesToTypeFindsTheSystem() throws {
        let system = try TestSystem.shared(Shape.all[0])
        try withTemporaryDirectory { directory in
            defer { _ = try? system.bookstore("down", "--run-dir", directory) }
            let result = try system.bookstore(
                "up", "--detach", "--run-dir", directory, environment: ["GATEWAY_PORT": "0", "ORDER_PORT": "0"])
            #expect(result.status == 0, "\(result.errors)")
            let option = "--run-dir \(RunDirectory(directory).path)"
            #expect(result.output.contains("bookstore demo \(option)\n"), "\(result.output)")
            let words = result.output.split(separator: "\n").last { $0.contains("watch") }?.split(separator: " ") ?? []
            let watch = try system.bookstore(arguments: words.dropFirst().map(String.init) + ["--until-now"])
            #expect(watch.status == 0, "\(watch.errors)")
            #expect(watch.output.isEmpty, "nobody has sent anything there")
        }
    }

    @Test func replicasAreReadThoughTheSystemRuns() throws {
        let result = try TestSystem.shared(Shape.all[0]).bookstore("up", "--detach", "--replicas", "order=many")
        #expect(result.status == 2)
    }

    @Test func otherCountsAreNotAppliedToWhatRuns() throws {
        let system = try TestSystem.shared(Shape.all[0])
        let result = try system.bookstore("up", "--detach", "--replicas", "order=3")
        #expect(result.status == 1)
        #expect(result.errors.contains("--replicas was not applied, there is already order=1:"), "\(result.errors)")
        #expect(try system.bookstore("up", "--detach", "--replicas", "order=1").status == 0)
    }

    @Test func topicsAreListedForAScript() throws {
        let result = try TestSystem.shared(Shape.all[0]).bookstore("topics", "--json")
        let topics = try JSON(parsing: Array(result.output.utf8))
        #expect(topics["created"].array == [])
        #expect(topics["existing"].array?.contains("cnabookstore.dead-letters") == true)
    }

    @Test func theWalkThroughNeedsAGateway() throws {
        let system = try TestSystem.shared(Shape.all[0])
        #expect(try system.bookstore("demo", "--url", "nonsense").status == 2)
        let result = try system.bookstore("demo", "--url", "http://127.0.0.1:1")
        #expect(result.status == 1 && result.output.isEmpty)
        #expect(result.errors.contains("nobody answers at http://127.0.0.1:1"))
    }

    @Test func settingsThatMakeNoSenseAreToldAtOnce() throws {
        let system = try TestSystem.shared(Shape.all[0])
        let result = try system.bookstore(
            "order", environment: ["BATCH_RECORDS_MAX": "many", "KAFKA_BOOTSTRAP": "x:1"])
        #expect(result.status == 2)
        #expect(result.errors.contains("BATCH_RECORDS_MAX: is 'many'"))
    }

    @Test(
        "A setting that makes no sense ends up before anything is started",
        arguments: [
            ("LISTEN_ADDRESS", "localhost"), ("LISTEN_ADDRESS", "192.0.2.1"), ("BREAKER_FAILURES", "0"),
            ("INGRESS_BODY_BYTES_MAX", "-1"), ("BROKER_SEGMENT_BYTES", "1"), ("SHARDS", "0"),
            ("EVENTS_RETENTION_HOURS", "0"), ("KAFKA_SECURITY_PROTOCOL", "foo"), ("UP_WHILE_PID", "abc"),
            ("DELIVERY_INFO_TIMEOUT_MILLISECONDS", "0"), ("ORDER_PORT", "http"),
        ])
    func upReadsAllSettingsFirst(variable: String, value: String) throws {
        let system = try TestSystem.shared(Shape.all[0])
        try withTemporaryDirectory { directory in
            let run = directory + "/run"
            for arguments in [["up", "--detach"], ["up"]] {
                let result = try system.bookstore(
                    arguments: arguments + ["--run-dir", run], environment: [variable: value])
                #expect(result.status == 2)
                #expect(result.errors.hasPrefix("bookstore up: \(variable): is '\(value)', "), "\(result.errors)")
                #expect(!FileSystem.exists(run))
            }
        }
    }

    @Test(arguments: ["gateway", "order"])
    func aNameToListenOnIsRefusedAtOnce(process: String) throws {
        let result = try TestSystem.shared(Shape.all[0]).bookstore(
            process, environment: ["LISTEN_ADDRESS": "localhost", "KAFKA_BOOTSTRAP": "127.0.0.1:1"])
        #expect(result.status == 2)
        #expect(result.errors.contains("LISTEN_ADDRESS: is 'localhost', expected a numeric"), "\(result.errors)")
    }

    /// Other settings or another limit may help, another start does not.
    @Test(arguments: ["up", "gateway"])
    func moreConnectionsThanFilesAreRefusedAtOnce(command: String) throws {
        try withTemporaryDirectory { directory in
            let result = try Tool.run(
                "sh", ["-c", "ulimit -n 600; exec \(builtBinary("bookstore")) \(command)"],
                environment: ["RUN_DIR": directory, "KAFKA_BOOTSTRAP": "127.0.0.1:9", "INGRESS_CONNECTIONS_MAX": "100"])
            #expect(result.status == 2)
            #expect(
                result.errors.hasPrefix("bookstore \(command): INGRESS_CONNECTIONS_MAX: is 100, which needs 612 "),
                "\(result.errors)")
        }
    }

    @Test func aZombieIsEndedAndStartedAgain() throws {
        let system = try TestSystem.shared(Shape.all[0])
        let old = try #require(system.pid("order-0"))
        #expect(try system.send("GET", "/isHealthy", to: system.order).status == 200)
        #expect(try system.send("GET", "/makeZombie", to: system.order).status == 200)
        let answer = try system.send("GET", "/isHealthy", to: system.order)
        #expect(answer.status == 500)
        #expect(answer.text.contains("zombie....."))
        try system.awaitRestart("order-0", after: old)
        try eventually("the new process is healthy") {
            system.order.send("GET", "/isHealthy")?.status == 200
        }
    }

    @Test func deadLettersAreListedPutBackOnceAndDropped() throws {
        let system = try TestSystem(Shape.all[0])
        defer { system.end() }
        // Nobody has ordered 999: an order's event in the partition of another order cannot be right.
        for place in [0, 1] {
            try system.produce(#"{"eventType":"Ordered","orderId":999}"#, to: "cnabookstore", partition: place)
        }
        let letters: [JSON] = try eventually("both services' dead letters", every: 100) {
            let found = try system.deadLetterRecords()
            return found.count >= 6 ? found : nil
        }
        let first = try #require(letters.first?["offset"].integer)
        #expect(letters.allSatisfy { $0["headers"]["original-topic"].string == "cnabookstore" })
        let replay = try system.bookstore("dead-letters", "replay", String(first))
        #expect(replay.status == 0, "\(replay.errors)")
        #expect(try system.bookstore("dead-letters", "replay", String(first)).status == 1)
        // Put back, it fails again in the service whose letter it was, under a new number.
        try eventually("it is a dead letter again", every: 100) {
            try system.deadLetterRecords().contains {
                ($0["offset"].integer ?? 0) > letters.compactMap { $0["offset"].integer }.max() ?? 0
            }
        }
        #expect(try system.bookstore("dead-letters", "drop", "all").status == 0)
        #expect(try system.deadLetterRecords().isEmpty)
    }

    @Test("One dead letter that cannot go back is named and keeps no other from it", arguments: Shape.all)
    func allDeadLettersThatCanGoBackDo(shape: Shape) throws {
        let system = try TestSystem(shape)
        defer { system.end() }
        // The first does not say where it came from, the second came from a partition that is not there.
        let origins = [[], ["original-partition=99"], ["original-partition=0"]]
        for origin in origins {
            let headers = origin.isEmpty ? [] : origin + ["original-topic=cnabookstore.replies"]
            try system.publish("{}", to: "cnabookstore.dead-letters", partition: 0, headers: headers)
        }
        let numbers = try system.deadLetterRecords().compactMap { $0["offset"].integer }
        #expect(numbers.count == origins.count)
        let replay = try system.bookstore("dead-letters", "replay", "all")
        #expect(replay.status == 1)
        #expect(replay.output.contains("\(numbers[2]) put back to cnabookstore.replies\n1 of 3 put back; 2 left"))
        #expect(replay.errors.contains("\(numbers[0]) not put back: it does not say where it came from"))
        #expect(replay.errors.contains("\(numbers[1]) not put back: "), "\(replay.errors)")
        #expect(try system.deadLetterRecords().compactMap { $0["offset"].integer } == Array(numbers[..<2]))
        let drop = try system.bookstore("dead-letters", "drop", "all")
        #expect(drop.status == 0 && drop.output.contains("2 of 2 dropped\n"))
        #expect(try system.deadLetterRecords().isEmpty)
    }

    @Test func shardFilesAreSoundAndComeBackFromKafka() throws {
        let system = try TestSystem(Shape.all[0])
        defer { system.end() }
        let book = try system.book(stock: 5)
        #expect(try system.bookstore("shard", "check").output == "48 shard files, all sound\n")
        let old = try #require(system.pid("bookinventory-0"))
        #expect(try system.bookstore("shard", "rebuild", "bookinventory-0").status == 0)
        try system.awaitRestart("bookinventory-0", after: old)
        try system.awaitItem("/books/\(book)", ["stock": 5])
        #expect(try system.bookstore("shard", "check").status == 0)

        try system.down()
        let damaged = system.run.data("order-0") + "/shard-03.sqlite"
        try Data(repeating: 1, count: 4096).write(to: URL(fileURLWithPath: damaged))
        let list = try system.bookstore("shard", "list")
        #expect(list.status == 1)
        #expect(list.output.split(separator: "\n").count == 1 + 48)
        #expect(list.errors.contains("\(damaged): file is not a database\n"))
        let lines = try system.bookstore("shard", "list", "--json").output.split(separator: "\n")
        let problems = try lines.map { try JSON(parsing: Array($0.utf8))["problem"] }.filter { !$0.isNull }
        #expect(lines.count == 48 && problems == ["file is not a database"])
        #expect(try system.bookstore("shard", "rebuild", "order-0", "3").status == 0)
        #expect(try system.bookstore("shard", "check").output == "47 shard files, all sound\n")
    }

    @Test func aSagaCanBeTracedFromTheTopics() throws {
        let system = try TestSystem.shared(Shape.all[0])
        let order = try system.order(
            book: system.book(stock: 10), customer: system.customer(), quantity: 1)
        try system.awaitItem("/orders/\(order)", ["orderStatus": "Shipped"])
        let result = try system.bookstore("trace", "order", String(order))
        #expect(result.status == 0, "\(result.errors)")
        for step in ["POST /orders", "Ordered", "DeliveryPrepared", "DeliveryStatusChanged"] {
            #expect(result.output.contains(step), "\(result.output)")
        }
    }

    /// It has no event, since it was kept and went nowhere; the time line is there all the same.
    @Test func traceTellsOfAnOrderThatWentNowhere() throws {
        let system = try TestSystem.shared(Shape.all[0])
        let order = try system.order(book: system.book(stock: 10), customer: 999_999_999, quantity: 1)
        let result = try system.bookstore("trace", "order", String(order))
        #expect(result.status == 0, "\(result.errors)")
        for step in ["POST /orders", "GET /customers/999999999", "Customer_Not_Verified"] {
            #expect(result.output.contains(step), "\(result.output)")
        }
        #expect(try system.bookstore("trace", "order", "888888888").status == 1)
    }
}
