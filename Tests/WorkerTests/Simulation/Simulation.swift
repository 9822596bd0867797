// Loops, clients and a broker in one thread, with every misfortune the seed can think of. What must hold in the end:
// each answered request counted exactly once, each event seen exactly once, each file equal to its state topic. And at any
// time: what a query is told is what the log says at that moment.
import Contract
import Foundation
import Kafka
import TestSupport
import Testing
import Wire

@testable import Worker

final class Simulation {
    static let workerCount = 3
    static let clientCount = 6
    static let shardCount: Int32 = 4
    static let counters = 12
    /// Visits count at hosts of their own, from here on.
    static let firstHost: Int64 = 101

    private final class Process {
        let log: ModelLog
        let loop: WorkerLoop
        var isPaused = false
        init(log: ModelLog, loop: WorkerLoop) {
            self.log = log
            self.loop = loop
        }
    }

    private struct Wish {
        let key: String
        let path: String
        let body: JSONObject
        let home: Int64
        let kind: Kind
        enum Kind {
            case increment(Int64, amount: Int64)
            case move(Int64, Int64, amount: Int64)
            case visit(Int64, host: Int64)
        }
    }

    private final class Client {
        var isBusy = false
    }

    let broker: ModelBroker
    private let directory: String
    private let limits: WorkerLimits
    private var processes: [Int: Process] = [:]
    private var restartAt: [Int: Int64] = [:]
    private var lives = 0
    private var edge: Caller
    private var clients: [Client] = (0..<clientCount).map { _ in Client() }
    private var unsettled: [Wish] = []
    private var granted: [Wish] = []
    private var refused: [Wish] = []
    private var keys = 0
    private var looks = 0
    private var looksAnswered = 0
    private var makesRequests = true
    private(set) var steps = 0
    private(set) var crashes = 0
    private(set) var fatal: [String] = []

    init(seed: UInt64, directory: String) {
        self.directory = directory
        var limits = WorkerLimits()
        limits.idleCommitMilliseconds = 300
        limits.repeatMilliseconds = 400
        limits.repeatMillisecondsMax = 1_500
        limits.batchRecordsMax = 20
        limits.callMilliseconds = 1_500
        self.limits = limits
        broker = ModelBroker(
            seed: seed, topics: Visits.system.topics, service: Visits.service.name, shardCount: Self.shardCount)
        let clock = broker.clock
        edge = Caller(
            topics: broker.topics, instance: "edge", transport: ModelTransport(broker, replyPartition: 15),
            limits: limits, patience: .edge, incarnation: "1", wall: clock.wall)
        edge.replyPartition = 15
    }

    // MARK: - Running

    func run(steps count: Int) throws {
        for _ in 0..<count { try tick() }
        try settle()
    }

    private func tick() throws {
        steps += 1
        broker.now += Int64(broker.random.below(4))
        broker.tick()
        switch broker.random.below(100) {
        case 0..<60: try stepSomeWorker()
        case 60..<95: turnClients()
        default: if broker.isRough { misfortune() }
        }
        for worker in 0..<Self.workerCount where processes[worker] == nil {
            if broker.now >= restartAt[worker, default: 0] { start(worker) }
        }
    }

    private func stepSomeWorker() throws {
        let worker = broker.random.below(Self.workerCount)
        guard let process = processes[worker], !process.isPaused else { return }
        do {
            try process.loop.step { _ in }
        } catch {
            process.log.fuse = 0
            if !(error is SimulatedCrash) { try noteFatal(error) }
            return end(worker)
        }
        if process.log.isDead { end(worker) }
    }

    /// Some ends are right in a rough world; an invariant that is found broken is not.
    private func noteFatal(_ error: any Error) throws {
        let text = "\(error)"
        if text.contains("unknown") || text.contains("crash") || text.contains("Crash") { return }
        throw Failed("a worker ended: \(text)")
    }

    private func start(_ worker: Int) {
        lives += 1
        let log = ModelLog(member: worker, broker: broker)
        let transport = ModelTransport(broker, replyPartition: Int32(worker))
        transport.isDead = { [unowned log] in log.isDead }
        let clock = broker.clock
        let caller = Caller(
            topics: broker.topics, instance: "w\(worker)", transport: transport, limits: limits, patience: .service,
            incarnation: "\(lives)", wall: clock.wall)
        caller.replyPartition = Int32(worker)
        let identity = ShardIdentity(
            cluster: "model", system: Visits.system.name, service: Visits.service.name, shard: 0,
            shardCount: Self.shardCount)
        let path = "\(directory)/\(worker)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let loop = WorkerLoop(
            service: Visits.program, system: Visits.system, identity: identity, directory: path, log: log,
            caller: caller, limits: limits, clock: clock)
        log.keeper = loop
        log.willReply = { [unowned self, unowned log] in if log.isCurrent { checkLook($0) } }
        processes[worker] = Process(log: log, loop: loop)
        broker.join(log)
    }

    /// The process is gone; its files stay as they are.
    private func end(_ worker: Int) {
        crashes += 1
        // Half of the crashes take what the files do not hold yet, the others come right after it was written.
        if let loop = processes[worker]?.loop, broker.random.once(in: 2) {
            for shard in loop.custody.all { shard.store.rollback() }
        }
        processes[worker]?.loop.close()
        processes[worker] = nil
        // Back within its session, or long after it.
        let isLong = broker.random.once(in: 3)
        if isLong { broker.expire(worker) }
        restartAt[worker] = broker.now + Int64(broker.random.below(isLong ? 3_000 : 300))
    }

    // MARK: - Misfortune

    private func misfortune() {
        let worker = broker.random.below(Self.workerCount)
        switch broker.random.below(60) {
        case 0..<4: processes[worker]?.log.fuse = broker.random.below(80)
        case 4: processes[worker]?.isPaused = true
        case 5..<8: for process in processes.values { process.isPaused = false }
        case 8:
            // Silent for too long: others get its shards, and it learns of it late.
            guard let process = processes[worker] else { return }
            process.log.isLost = true
            broker.expire(worker)
        case 9: broker.startRebalance()
        case 10: broker.wallOffset += broker.random.once(in: 2) ? 3_600_000 : -3_600_000
        case 11 where processes[worker] == nil: spoilFile(of: worker)
        case 12: broker.now += Int64(broker.random.below(2_000))
        default: break
        }
    }

    private func spoilFile(of worker: Int) {
        let shard = broker.random.below(Int(Self.shardCount))
        let path = "\(directory)/\(worker)/shard-0\(shard).sqlite"
        let copy = "\(directory)/copy-\(worker)-\(shard)"
        let files = FileManager.default
        switch broker.random.below(5) {
        case 0: remove(path)
        case 1: truncate(path, off_t(broker.random.below(8_192)))
        case 2:
            remove(copy)
            try? files.copyItem(atPath: path, toPath: copy)
        case 3 where files.fileExists(atPath: copy):
            remove(path)
            try? files.copyItem(atPath: copy, toPath: path)
        case 4:
            // Another shard's file under this name.
            let other = "\(directory)/\(worker)/shard-0\((shard + 1) % Int(Self.shardCount)).sqlite"
            remove(path)
            try? files.copyItem(atPath: other, toPath: path)
        default: break
        }
    }

    private func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    }

    // MARK: - Clients

    private func turnClients() {
        edge.turn(now: broker.now)
        if makesRequests && broker.random.once(in: 3) { look() }
        guard makesRequests, let client = clients.first(where: { !$0.isBusy }), broker.random.once(in: 3) else {
            return
        }
        send(newWish(), by: client)
    }

    /// A query whose answer nobody waits for: it is judged where it leaves.
    private func look() {
        looks += 1
        let id = Int64(broker.random.below(Self.counters)) + 1
        let call = Call(
            service: Visits.service.name, shard: Shards(count: Self.shardCount).owner(of: id) ?? 0, method: .get,
            path: "/counters/\(id)", body: [], key: "look-\(id)-\(looks)", deadlineMilliseconds: 3_000)
        edge.send(call, now: broker.now) { _ in }
    }

    private func checkLook(_ reply: OutgoingRecord) {
        let parts = reply.headers.text(HeaderName.id)?.split(separator: "-") ?? []
        guard parts.first == "look", let id = Int64(parts[1]) else { return }
        looksAnswered += 1
        let key = #"{"table":"counters","pk":[\#(id)]}"#
        let shard = Int32((id - 1) % Int64(Self.shardCount))
        let row = broker.last(broker.stateTopic(shard), key: Array(key.utf8))?.value
        let shown = reply.headers.number(HeaderName.status) == 200 ? reply.value : nil
        guard shown == row else {
            let text = [shown, row].map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "nothing" }
            return fatal.append("a query was told \(text[0]), the log says \(text[1])")
        }
    }

    private func newWish() -> Wish {
        keys += 1
        let key = "wish-\(keys)"
        let id = Int64(broker.random.below(Self.counters)) + 1
        let amount = Int64(broker.random.below(9)) + 1
        switch broker.random.below(10) {
        case 0:
            let host = Self.firstHost + Int64(broker.random.below(8))
            return Wish(
                key: key, path: "/visits", body: ["counterId": .integer(id), "host": .integer(host)], home: id,
                kind: .visit(id, host: host))
        case 1..<4:
            let to = Int64(broker.random.below(Self.counters)) + 1
            return Wish(
                key: key, path: "/moves",
                body: ["from": .integer(id), "to": .integer(to), "amount": .integer(amount)], home: id,
                kind: .move(id, to, amount: amount))
        default:
            return Wish(
                key: key, path: "/increments", body: ["counterId": .integer(id), "amount": .integer(amount)],
                home: id, kind: .increment(id, amount: amount))
        }
    }

    private func send(_ wish: Wish, by client: Client) {
        client.isBusy = true
        let call = Call(
            service: Visits.service.name, shard: Shards(count: Self.shardCount).owner(of: wish.home) ?? 0,
            method: .post, path: wish.path, body: wish.body.bytes, key: wish.key,
            deadlineMilliseconds: broker.isRough ? 6_000 : 60_000)
        edge.send(call, now: broker.now) { [unowned self] result in
            client.isBusy = false
            switch result {
            case .answered(let reply) where reply.status == 201: granted.append(wish)
            case .answered(let reply) where reply.status == 503: refused.append(wish)
            case .answered(let reply): fatal.append("\(wish.path): \(reply.status)")
            case .refused: unsettled.append(wish)
            }
        }
    }

    // MARK: - The end

    /// Calm: everybody comes back, unanswered requests are repeated with their keys until they are answered.
    private func settle() throws {
        broker.isRough = false
        makesRequests = false
        for process in processes.values {
            process.isPaused = false
            process.log.fuse = nil
        }
        let limit = steps + 400_000
        while true {
            try tick()
            guard steps < limit else { throw Failed("it never comes to rest: \(unsettled.count) unanswered") }
            if let wish = unsettled.last, let client = clients.first(where: { !$0.isBusy }) {
                unsettled.removeLast()
                send(wish, by: client)
            }
            let isQuiet = unsettled.isEmpty && clients.allSatisfy { !$0.isBusy } && broker.isDrained
            // Somebody who learns late that he was left behind makes all move once more, with nothing left to do.
            let owned = processes.values.reduce(0) { $0 + $1.loop.custody.all.count }
            guard isQuiet && owned == Int(Self.shardCount) else { continue }
            if processes.values.allSatisfy({ $0.loop.parking.count == 0 }) { break }
        }
        try judge()
    }

    private func judge() throws {
        #expect(fatal == [])
        var value: [Int64: Int64] = [:]
        var seen: [Int64: Int64] = [:]
        for wish in granted {
            switch wish.kind {
            case .increment(let id, let amount):
                value[id, default: 0] += amount
                seen[id, default: 0] += 1
            case .move(let from, let to, let amount):
                value[from, default: 0] -= amount
                value[to, default: 0] += amount
                seen[from, default: 0] += 1
                seen[to, default: 0] += 1
            case .visit(let home, let host):
                value[home, default: 0] += 1
                seen[home, default: 0] += 1
                value[host, default: 0] += 1
                seen[host, default: 0] += 1
            }
        }
        /// A visit that was refused may have counted at its host, once.
        var doubtful: [Int64: Int64] = [:]
        for case .visit(_, let host) in refused.map(\.kind) { doubtful[host, default: 0] += 1 }
        let dumps = (0..<Self.shardCount).map { shard in StateDump.ofRecords(broker.records(broker.stateTopic(shard))) }
        for (id, expected) in value {
            let shard = Int((id - 1) % Int64(Self.shardCount))
            let row = try JSON(parsing: dumps[shard].rows[#"{"table":"counters","pk":[\#(id)]}"#] ?? "{}")
            let doubt = doubtful[id] ?? 0
            let range = expected...(expected + doubt)
            #expect(range.contains(row["value"].integer ?? -1), "counter \(id): \(row.text), expected \(range)")
            let seenRange = (seen[id] ?? 0)...((seen[id] ?? 0) + doubt)
            #expect(seenRange.contains(row["seen"].integer ?? -1), "counter \(id): \(row.text), seen \(seenRange)")
        }
        try compareFiles(dumps)
    }

    private func compareFiles(_ dumps: [StateDump]) throws {
        var owned: [(worker: Int, shard: Int32)] = []
        for (worker, process) in processes {
            owned += process.loop.custody.all.map { (worker, $0.number) }
            process.loop.close()
        }
        #expect(owned.count == Int(Self.shardCount))
        for (worker, shard) in owned {
            let file = try StateDump.ofFile("\(directory)/\(worker)/shard-0\(shard).sqlite")
            let differences = file.differences(from: dumps[Int(shard)])
            #expect(differences.isEmpty, "shard \(shard), file / topic: \(differences.joined(separator: "\n"))")
        }
    }

    var summary: String {
        "\(steps) steps, \(granted.count) requests, \(looksAnswered) queries, \(crashes) crashes, generation \(broker.generation)"
    }
}
