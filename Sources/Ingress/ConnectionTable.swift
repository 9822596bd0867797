// All open connections, counted overall and by address.
import Synchronization

final class ConnectionTable: Sendable {
    private struct State {
        /// By file descriptor, which the kernel gives to one connection at a time.
        var connections: [Int32: Connection] = [:]
        var perAddress: [String: Int] = [:]

        mutating func remove(_ connection: Connection) {
            guard connections[connection.socket] === connection else { return }
            connections[connection.socket] = nil
            let left = perAddress[connection.remoteAddress, default: 1] - 1
            perAddress[connection.remoteAddress] = left > 0 ? left : nil
        }
    }
    private let state = Mutex(State())

    var count: Int { state.withLock { $0.connections.count } }

    var all: [Connection] { state.withLock { Array($0.connections.values) } }

    subscript(socket: Int32) -> Connection? { state.withLock { $0.connections[socket] } }

    /// Nil when the connection is in, else why not.
    func add(_ connection: Connection, limits: IngressLimits) -> Refusal? {
        state.withLock { state in
            // The daemon dropped it without a word, or its descriptor would not be free for another.
            if let lost = state.connections[connection.socket] { state.remove(lost) }
            let ofAddress = state.perAddress[connection.remoteAddress, default: 0]
            guard state.connections.count < limits.connectionsMax else { return .tooManyConnections }
            guard ofAddress < limits.connectionsPerAddressMax else { return .tooManyConnectionsOfAddress }
            state.connections[connection.socket] = connection
            state.perAddress[connection.remoteAddress] = ofAddress + 1
            return nil
        }
    }

    func remove(_ connection: Connection) { state.withLock { $0.remove(connection) } }

    /// For those that were on their way into a daemon that has stopped: it closes them without a word.
    func removeAll() { state.withLock { $0 = State() } }
}
