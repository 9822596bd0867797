// The broker on a thread of this process, for tests and for tools that need one for a moment.
import Glibc
import Platform
import Synchronization

public final class EmbeddedBroker: Sendable {
    /// `127.0.0.1:PORT`
    public let bootstrap: String
    private let wake = Wake()
    private let thread: Thread

    public init(directory: String, port: UInt16 = 0, settings: BrokerSettings = BrokerSettings()) throws {
        // sendfile(2) to a client that is gone would end the process.
        signal(SIGPIPE, SIG_IGN)
        let node = try BrokerNode(directory: directory, port: port, settings: settings)
        bootstrap = "127.0.0.1:\(node.port)"
        // The node is handed over to its thread whole: nobody else keeps it.
        let handed = HandedOver(node)
        let wake = wake
        thread = Thread(name: "broker") {
            handed.take()?.run(stopDescriptor: wake.fileDescriptor)
        }
    }

    /// Closes cleanly and waits until everything is written.
    public func stop() {
        wake.ring()
        thread.join()
    }
}

/// Carries a value from the thread that made it to the one that uses it.
private final class HandedOver: @unchecked Sendable {  // The lock orders the one put before the one take.
    private let slot: Mutex<Bool>
    private var node: BrokerNode?

    init(_ node: BrokerNode) {
        slot = Mutex(false)
        self.node = node
    }

    func take() -> BrokerNode? {
        slot.withLock { _ in
            defer { node = nil }
            return node
        }
    }
}
