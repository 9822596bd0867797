// Events the moment they are committed: a `watch` that is left running, for tests that act between two events.
import Foundation
import Synchronization
import TestSupport
import Wire

@testable import Operations

final class EventTap: Sendable {
    private struct State {
        var events: [JSON] = []
        var rest: [UInt8] = []
    }

    private let state = Mutex(State())
    private let pid: pid_t

    init(_ system: TestSystem) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: TestSystem.binary)
        process.arguments = ["watch", "--run-dir", system.run.path]
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        try process.runLeashed()
        pid = process.processIdentifier
        output.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let piece = handle.availableData
            if piece.isEmpty { handle.readabilityHandler = nil } else { self?.take(Array(piece)) }
        }
        // It shows nothing of the past: only what comes after the first event seen here is surely complete.
        try eventually(timeout: 20, "the tap runs", every: 50) {
            let customer = try system.customer("the tap")
            return (try? eventually(timeout: 1) { find("Registered", "customerId", customer) }) != nil
        }
    }

    func close() { kill(pid, SIGKILL) }

    private func take(_ bytes: [UInt8]) {
        state.withLock { state in
            var lines = (state.rest + bytes).split(separator: 10, omittingEmptySubsequences: false)
            state.rest = Array(lines.removeLast())
            state.events += lines.compactMap { try? JSON(parsing: Array($0)) }
        }
    }

    private func find(_ type: String, _ field: String, _ value: Int64) -> JSON? {
        state.withLock { $0.events.last { $0["eventType"].string == type && $0[field].integer == value } }
    }

    /// The types of the events about an order so far, in order.
    func history(ofOrder id: Int64) -> [String] {
        state.withLock { state in
            state.events.filter { $0["orderId"].integer == id }.compactMap { $0["eventType"].string }
        }
    }

    /// Returns as soon as the event is seen, a few milliseconds after its commit.
    func await(_ type: String, order: Int64, status: String? = nil) throws {
        try eventually(timeout: 20, "\(type) of order \(order)", every: 1) {
            state.withLock { state in
                state.events.contains {
                    $0["eventType"].string == type && $0["orderId"].integer == order
                        && (status == nil || $0["deliveryStatus"].string == status)
                }
            }
        }
    }
}
