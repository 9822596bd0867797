// One embedded broker for all tests of a process that share one, started by the first that asks.
import Broker
import Foundation

public final class SharedEmbeddedBroker: Sendable {
    public static let shared = Result { try SharedEmbeddedBroker() }

    public let bootstrap: String
    private let broker: EmbeddedBroker
    private let directory: String

    private init() throws {
        directory = try makeTemporaryDirectory()
        // Upkeep often, so that tests of retention and compaction need not wait for it.
        var settings = BrokerSettings()
        settings.upkeepMilliseconds = 100
        broker = try EmbeddedBroker(directory: directory, settings: settings)
        bootstrap = broker.bootstrap
        atexit {
            guard case .success(let shared) = SharedEmbeddedBroker.shared else { return }
            shared.broker.stop()
            removeDirectory(shared.directory)
        }
    }
}
