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

    @Test func replicasAreReadThoughTheSystemRuns() throws {
        let result = try TestSystem.shared(Shape.all[0]).bookstore("up", "--detach", "--replicas", "order=many")
        #expect(result.status == 2)
    }

    @Test func settingsThatMakeNoSenseAreToldAtOnce() throws {
        let system = try TestSystem.shared(Shape.all[0])
        let result = try system.bookstore(
            "order", environment: ["BATCH_RECORDS_MAX": "many", "KAFKA_BOOTSTRAP": "x:1"])
        #expect(result.status == 2)
        #expect(result.errors.contains("BATCH_RECORDS_MAX: is 'many'"))
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
        // Put back, it fails again in every service that listens, under new numbers.
        try eventually("it is a dead letter again", every: 100) {
            try system.deadLetterRecords().contains {
                ($0["offset"].integer ?? 0) > letters.compactMap { $0["offset"].integer }.max() ?? 0
            }
        }
        #expect(try system.bookstore("dead-letters", "drop", "all").status == 0)
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
