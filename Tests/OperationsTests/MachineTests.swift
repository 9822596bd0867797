// Files, ports, processes and HTTP answers, on the machine the test runs on.
import Foundation
import Kafka
import Platform
import TestSupport
import Testing
import Wire

@testable import Operations

@Suite struct MachineTests {
    @Test func filesAreReplacedAsAWhole() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/a/b/c"
            try FileSystem.makeDirectories(directory + "/a/b")
            try FileSystem.replace(path, with: "one\ntwo\nthree\n")
            #expect(FileSystem.readText(path) == "one\ntwo\nthree\n")
            #expect(FileSystem.tail(path, lines: 2) == ["two", "three"])
            #expect(FileSystem.list(directory + "/a/b") == ["c"])
            #expect(FileSystem.size(path) == 14)
            #expect(throws: SystemError.self) { try FileSystem.replace(directory + "/missing/file", with: "x") }
            #expect(throws: SystemError.self) { try FileSystem.replace(directory + "/a/b", with: "x") }
            #expect(FileSystem.list(directory + "/a") == ["b"], "what could not be put in place is not left behind")
        }
    }

    @Test("A record has time and type for a person, with colours or without, and is bare JSON in a pipe")
    func recordsAreLines() {
        let record = Record(
            topic: "sample", partition: 0, offset: 0, timestampMilliseconds: 3_723_004, key: nil,
            value: Array(#"{"eventType":"Made"}"#.utf8), headers: Headers())
        func line(_ style: Style) -> String { RecordLine(style: style, system: "sample", isWhole: false).text(record) }
        #expect(line(Style(isColoured: false)) == #"{"eventType":"Made"}"#)
        #expect(line(Style(isColoured: false, isTerminal: true)) == #"01:02:03.004 Made {"eventType":"Made"}"#)
        #expect(line(Style(isColoured: true, isTerminal: true)).contains("\u{1B}["))
    }

    @Test func pathsLoseTheirDots() {
        #expect(FileSystem.absolute("/a/./b/../c/") == "/a/c")
        #expect(FileSystem.absolute(".run").hasSuffix("/.run"))
    }

    @Test func onlyOneSupervisorHoldsADirectory() throws {
        try withTemporaryDirectory { directory in
            let run = RunDirectory(directory)
            #expect(SupervisorLock.holder(run) == nil)
            do {
                let lock = try SupervisorLock(run)
                #expect(lock != nil)
                #expect(SupervisorLock.holder(run) == getpid())
                #expect(try SupervisorLock(run) == nil)
            }
            #expect(SupervisorLock.holder(run) == nil)
        }
    }

    /// Between the lock and the first word of its supervisor a system is not one that somebody has to start.
    @Test func aSystemThatStartsIsNotCalledAbsent() throws {
        try withTemporaryDirectory { directory in
            let call = try Status.command.read(
                ["--run-dir", directory], system: Sample.system, settings: Settings([:]))
            let absent = #expect(throws: Failure.self) { try Status.command.run(call) }
            #expect(absent?.description.hasPrefix("nothing runs in ") == true)
            let lock = try SupervisorLock(RunDirectory(directory))
            let starting = #expect(throws: Failure.self) { try Status.command.run(call) }
            #expect(starting?.description.contains("starts or stops just now (supervisor \(getpid()))") == true)
            withExtendedLifetime(lock) {}
        }
    }

    @Test func aTakenPortIsSeenAndItsOwnerNamed() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general -> UInt16 in
                #expect(bind(descriptor, general, size) == 0)
                #expect(listen(descriptor, 1) == 0)
                getsockname(descriptor, general, &size)
                return UInt16(bigEndian: pointer.pointee.sin_port)
            }
        }
        #expect(!Port.isFree(port))
        #expect(Port.owner(port)?.contains("pid \(getpid())") == true)
        #expect(try Port.isFree(Port.free()))
        #expect(Address(host: "127.0.0.1", port: port).answers)
    }

    @Test func processFacts() {
        let own = ProcessFacts(getpid())
        #expect(own.isAlive)
        #expect(own.residentBytes > 1 << 20)
        #expect(!ProcessFacts(0x3FFF_FFFF).isAlive)
    }

    @Test func answersWithAndWithoutPieces() throws {
        let whole = try #require(
            HTTPClient.parse(Array("HTTP/1.1 201 Created\r\nLocation: /a/1\r\n\r\n{\"a\":1}".utf8)))
        #expect(whole.status == 201)
        #expect(whole.header("location") == "/a/1")
        #expect(whole.json?["a"].integer == 1)
        let pieces = try #require(
            HTTPClient.parse(
                Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n".utf8))
        )
        #expect(pieces.text == "abcde")
    }

    @Test(arguments: [
        "", "HTTP/1.1", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ])
    func answersThatAreNone(text: String) {
        #expect(HTTPClient.parse(Array(text.utf8)) == nil)
    }

    @Test func addresses() {
        #expect(Address("127.0.0.1:9092,other:1")?.port == 9092)
        #expect(Address("kafka") == nil && Address(":9092") == nil)
        #expect(Address("[::1]:8080")?.host == "::1" && Address("[::1]:8080")?.description == "[::1]:8080")
    }

    @Test func locations() {
        #expect(HTTPLocation("http://a:81/b/c")?.address.description == "a:81")
        #expect(HTTPLocation("http://a:81/b/c")?.path == "/b/c")
        #expect(HTTPLocation("http://a")?.address.description == "a:80")
        #expect(HTTPLocation("http://[::1]")?.address.description == "[::1]:80")
        for text in ["nonsense", "a:81", "https://a", "http://", "http://:80", "http://a:b", "http://a:81?x"] {
            #expect(HTTPLocation(text) == nil, "\(text)")
        }
    }

    @Test func logsHaveABound() throws {
        try withTemporaryDirectory { directory in
            let log = directory + "/a.log"
            try FileSystem.replace(log, with: String(repeating: "x", count: 70_000))
            var rotation = try LogRotation(settings: Settings([LogRotation.variable: "65536"]))
            rotation.rotate([log])
            #expect(FileSystem.size(log) == 0)
            #expect(FileSystem.size(log + ".1") == 70_000)
        }
    }
}
