// The broker: one thread, one loop, everything it owns.
import CPlatform
import Glibc
import Platform

final class BrokerNode {
    static let nodeId: Int32 = 1
    private static let backlog: Int32 = 512
    private static let exhaustedMilliseconds: Int64 = 100

    let settings: BrokerSettings
    let clusterId: String
    let port: UInt16
    let poller: Poller
    let core: Core
    let catalog: Catalog
    let journal: Journal
    let groups: GroupCoordinator
    let transactions: TransactionCoordinator
    /// Shared by all connections: bytes only pass through it.
    var receiveBuffer = [UInt8](repeating: 0, count: 256 * 1024)
    private let cleaner: Cleaner
    private let directory: DataDirectory
    private let listener: Int32
    private var connections: [Int32: Connection] = [:]
    private var resumable: [Connection] = []
    private var stopping = false

    init(directory path: String, port: UInt16, settings: BrokerSettings) throws {
        self.settings = settings
        directory = try DataDirectory(path)
        clusterId = directory.clusterId
        journal = try Journal(path: path + "/journal")
        catalog = Catalog(directory: path, settings: settings)
        try catalog.makeDirectory()
        poller = try Poller()
        core = Core(settings: settings, journal: journal, catalog: catalog)
        groups = GroupCoordinator(core: core)
        transactions = TransactionCoordinator(core: core, groups: groups)
        cleaner = Cleaner(core: core)
        let wanted = port == 0 ? directory.lastPort : port
        do {
            (listener, self.port) =
                try wanted == 0
                ? Sockets.listenAnywhere(backlog: BrokerNode.backlog)
                : Sockets.listen(port: wanted, backlog: BrokerNode.backlog)
        } catch {
            // The port of the last run is a promise we try to keep, not one that keeps us from starting.
            guard port == 0, wanted != 0 else { throw error }
            (listener, self.port) = try Sockets.listenAnywhere(backlog: BrokerNode.backlog)
        }
        do {
            try restore()
            try directory.announce(port: self.port)
        } catch {
            // Whoever tries again in this process finds the port free.
            Glibc.close(listener)
            throw error
        }
        poller.add(listener)
        // At once in the first turn: a broker that is only ever up for moments cleans up, too.
        core.after(milliseconds: 0) { [unowned self] in self.upkeep() }
    }

    // MARK: The loop

    /// Runs until `stop`; `stopDescriptor` becomes readable when somebody outside wants that.
    func run(stopDescriptor: Int32) {
        poller.add(stopDescriptor)
        while !stopping {
            let ready = poller.wait(milliseconds: resumable.isEmpty ? core.sleepMilliseconds : 0)
            core.tick()
            for event in ready {
                if event.descriptor == listener {
                    acceptAll()
                } else if event.descriptor == stopDescriptor {
                    stopping = true
                } else if let connection = connections[event.descriptor] {
                    if event.readable || event.broken { connection.readable() }
                    if event.writable && !connection.isClosed { connection.writable() }
                }
            }
            core.serveWoken()
            core.runTimers()
            core.serveWoken()
            let waiting = resumable
            resumable = []
            for connection in waiting where !connection.isClosed { connection.resume() }
        }
        shutDown()
    }

    var nowMilliseconds: Int64 { core.nowMilliseconds }
    var wallMilliseconds: Int64 { core.wallMilliseconds }

    private func acceptAll() {
        while true {
            switch Sockets.accept(listener) {
            case .connection(let descriptor): admit(descriptor)
            case .nobody: return
            case .exhausted:
                // Until a descriptor is free the listener would only wake the loop for nothing.
                poller.change(listener, reading: false, writing: false)
                return core.after(milliseconds: BrokerNode.exhaustedMilliseconds) { [unowned self] in
                    self.poller.change(self.listener, reading: true, writing: false)
                }
            }
        }
    }

    private func admit(_ descriptor: Int32) {
        guard connections.count < settings.maximumConnections else {
            Glibc.close(descriptor)
            return
        }
        connections[descriptor] = Connection(descriptor: descriptor, node: self)
        poller.add(descriptor)
    }

    func forget(_ connection: Connection) { connections[connection.descriptor] = nil }

    func resume(_ connection: Connection) { resumable.append(connection) }

    private func shutDown() {
        Glibc.close(listener)
        for connection in Array(connections.values) { connection.close() }
        for topic in catalog.topics.values {
            for log in topic.partitions {
                do { try log.saveCheckpoint() } catch {
                    Log.warning(
                        "checkpoint not written; the next start reads more", ["error": LogValue(describing: error)])
                }
            }
        }
        core.forgetTimers()
        directory.release()
    }

    // MARK: Requests

    func dispatch(_ frame: [UInt8], of connection: Connection) {
        var reader = ByteReader(frame, from: 4)
        do {
            let key = try reader.int16()
            let version = try reader.int16()
            let correlationId = try reader.int32()
            let clientId = try reader.nullableString() ?? ""
            guard let api = Api.table[key] else { throw MalformedRequest("unknown api \(key)") }
            let request = Request(
                api: api, version: version, correlationId: correlationId, clientId: clientId, connection: connection)
            guard api.accepted.contains(version) else {
                // Only the negotiation itself is answered in a version it does not know, in the oldest form.
                guard key == ApiKey.apiVersions else { throw MalformedRequest("api \(key) version \(version)") }
                return ApiVersions.refuse(correlationId, connection)
            }
            reader.flexible = request.isFlexible
            try reader.endStructure()
            try api.handle(self, request, &reader)
        } catch {
            Log.debug("closing a connection", ["reason": LogValue(describing: error)])
            connection.close()
        }
    }

    // MARK: The journal

    private func restore() throws {
        try journal.replay { kind, reader throws(MalformedRequest) in
            switch kind {
            case .topicCreated, .topicDeleted:
                do { try self.replayTopic(kind, &reader) } catch let error as MalformedRequest { throw error } catch {
                    throw MalformedRequest(String(describing: error))
                }
            case .producerIdsReserved, .transaction, .transactionPartitions, .transactionGroup, .transactionOffsets,
                .transactionDecided, .transactionForgotten:
                try self.transactions.replay(kind, &reader)
            case .groupOffsets, .groupMembers, .groupForgotten:
                try self.groups.replay(kind, &reader)
            }
        }
        for declared in declaredTopics.values {
            try catalog.add(
                name: declared.name, id: declared.id, partitionCount: declared.partitionCount,
                overrides: declared.overrides, nowMilliseconds: wallMilliseconds)
        }
        declaredTopics = [:]
        catalog.removeStrangers()
        transactions.resume()
        groups.resume()
        compactJournal(force: true)
    }

    private struct DeclaredTopic {
        let name: String
        let id: UUIDBytes
        let partitionCount: Int32
        let overrides: [String: String]
    }
    /// Topics as the journal tells them; logs are opened once it is clear which ones are left.
    private var declaredTopics: [String: DeclaredTopic] = [:]

    private func replayTopic(_ kind: JournalKind, _ reader: inout ByteReader) throws(MalformedRequest) {
        let name = try reader.string()
        switch kind {
        case .topicCreated:
            let id = try reader.uuid()
            let count = try reader.int32()
            declaredTopics[name] = DeclaredTopic(
                name: name, id: id, partitionCount: count, overrides: try TopicJournal.overrides(&reader))
        default:
            declaredTopics[name] = nil
            // As when it happened: a new topic of the same name begins without what the old one left behind.
            groups.forgetTopic(name)
            transactions.forgetTopic(name)
        }
    }

    /// Rewrites the journal as the present state when the history has outgrown it.
    func compactJournal(force: Bool = false) {
        guard force || journal.size > max(settings.journalCompactionBytes, 4 * journal.compactedSize) else { return }
        var entries = catalog.topics.values.map(TopicJournal.created)
        entries += transactions.snapshot()
        entries += groups.snapshot()
        do { try journal.compact(entries) } catch {
            Log.warning("journal not compacted", ["error": LogValue(describing: error)])
        }
    }

    // MARK: Upkeep

    private func upkeep() {
        core.after(milliseconds: settings.upkeepMilliseconds) { [unowned self] in self.upkeep() }
        compactJournal()
        cleaner.start()
        groups.expireOffsets()
        transactions.expire()
        for topic in catalog.topics.values {
            for log in topic.partitions {
                log.closeFiles(idleSince: wallMilliseconds - 60_000)
                log.expireProducers(before: wallMilliseconds - settings.producerExpirationMilliseconds)
            }
        }
        for connection in Array(connections.values) {
            let silence = nowMilliseconds - connection.lastProgressMilliseconds
            let stalled = connection.isMidway && silence > settings.stalledConnectionMilliseconds
            if stalled || (connection.state == .idle && silence > settings.idleConnectionMilliseconds) {
                connection.close()
            }
        }
    }
}
