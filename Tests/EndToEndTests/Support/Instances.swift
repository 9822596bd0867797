// Processes of a service: stopping, hanging and killing all of them at once.
import Foundation
import TestSupport

@testable import Operations

extension TestSystem {
    static let services = ["customer", "bookinventory", "order", "delivery"]

    func instances(of service: String) -> [String] {
        let doubled = shape.isDoubled && ["order", "bookinventory"].contains(service)
        return (0..<(doubled ? 2 : 1)).map { "\(service)-\($0)" }
    }

    /// Runs `body` while no process of a service is there at all; what was asked of it waits in the log.
    /// Afterwards everything is there again.
    func without<Value>(_ service: String, _ body: () throws -> Value) throws -> Value {
        try down()
        let others = (shape.isDoubled ? ["order", "bookinventory"] : []).filter { $0 != service }.map { "\($0)=2" }
        let result = try bookstore(
            "up", "--detach", "--replicas", (others + ["\(service)=0"]).joined(separator: ","))
        guard result.status == 0 else { throw Failed("up without \(service): \(result.output)\(result.errors)") }
        let value = Swift.Result { try body() }
        try down()
        try up()
        return try value.get()
    }

    /// Runs `body` while these processes hang: they neither answer nor end.
    func whileHanging<Value>(_ instances: [String], _ body: () throws -> Value) throws -> Value {
        let pids = try instances.map { instance in try eventually("\(instance) has a pid") { pid(instance) } }
        for pid in pids { Foundation.kill(pid, SIGSTOP) }
        defer { for pid in pids { Foundation.kill(pid, SIGCONT) } }
        return try body()
    }

    /// SIGKILL to every process of a service; returns who died, to wait for their successors.
    func killAll(_ service: String) throws -> [(instance: String, pid: pid_t)] {
        try instances(of: service).map { (instance: $0, pid: try kill($0)) }
    }

    func awaitRestart(_ dead: [(instance: String, pid: pid_t)]) throws {
        for one in dead { try awaitRestart(one.instance, after: one.pid) }
    }
}
