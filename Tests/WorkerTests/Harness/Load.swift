// Clients that increment and move without a pause, and the judge who counts afterwards: every request exactly once.
import Contract
import Foundation
import Kafka
import Synchronization
import TestSupport
import Testing
import Wire
import Worker

final class Load: Sendable {
    private struct Wish: Sendable {
        let key: String
        let from: Int64
        /// Not nil: a move.
        let to: Int64?
        let amount: Int64
    }

    private struct State {
        var rest: [Wish] = []
        var granted: [Wish] = []
        /// Refused or given up: may have happened or not. The same key finds out.
        var unknown: [Wish] = []
        var wrong: [String] = []
        var everUnknown = 0
        var busy = 0
    }

    private let state = Mutex(State())
    private let counting: Shared
    private let client: RequestClient
    private let deadlineMilliseconds: Int64
    private let counters: Int64

    /// What the completions need of the test; nothing of it changes while the load runs.
    private final class Shared: @unchecked Sendable {
        let counting: Counting
        init(_ counting: Counting) { self.counting = counting }
    }

    init(_ counting: Counting, counters: Int64 = 16, deadlineMilliseconds: Int64 = 20_000) throws {
        self.counting = Shared(counting)
        self.client = try counting.client()
        self.deadlineMilliseconds = deadlineMilliseconds
        self.counters = counters
    }

    /// Begins `requests` more requests, `clients` of them at a time.
    func start(requests: Int, clients: Int) {
        let starting = state.withLock { state in
            for _ in 0..<requests {
                let from = Int64.random(in: 1...counters)
                var to: Int64? = Int64.random(in: 1...counters)
                if to == from || Int.random(in: 0..<4) > 0 { to = nil }
                state.rest.append(
                    Wish(key: UUID().uuidString, from: from, to: to, amount: Int64.random(in: 1...9)))
            }
            state.busy += clients
            return clients
        }
        for _ in 0..<starting { next() }
    }

    /// No more requests; those under way are still answered.
    func stop() { state.withLock { $0.rest = [] } }

    private func next() {
        let wish: Wish? = state.withLock { state in
            if let wish = state.rest.popLast() { return wish }
            state.busy -= 1
            return nil
        }
        if let wish { send(wish) { [self] in next() } }
    }

    private func send(_ wish: Wish, then: @escaping @Sendable () -> Void) {
        let counting = counting.counting
        let call =
            if let to = wish.to {
                counting.move(
                    wish.amount, from: wish.from, to: to, key: wish.key, milliseconds: deadlineMilliseconds)
            } else {
                counting.increment(
                    wish.from, by: wish.amount, key: wish.key, milliseconds: deadlineMilliseconds)
            }
        client.send(call) { [self] result in
            state.withLock { state in
                switch result {
                case .answered(let reply) where reply.status == 201: state.granted.append(wish)
                case .answered(let reply):
                    state.wrong.append("\(reply.status) \(String(decoding: reply.body, as: UTF8.self))")
                case .refused:
                    state.unknown.append(wish)
                    state.everUnknown += 1
                }
            }
            then()
        }
    }

    var isDone: Bool { state.withLock { $0.busy == 0 } }
    var unanswered: Int { state.withLock { $0.unknown.count } }
    /// Requests that were refused or given up at least once.
    var everUnanswered: Int { state.withLock { $0.everUnknown } }
    var answered: Int { state.withLock { $0.granted.count } }

    func waitUntilDone(seconds: Double) throws {
        do {
            try eventually(timeout: seconds, "the end of the load", every: 20) { isDone }
        } catch {
            let logs = counting.counting.workers.map { "\($0.health.text)\n\($0.log.suffix(2_000))" }
            throw Failed("\(error); \(answered) answered, \(unanswered) not; \(logs.joined(separator: "\n\n"))")
        }
    }

    /// Asks again for what was not answered, with the same keys, until everything is.
    func settle(seconds: Double = 120) throws {
        try waitUntilDone(seconds: seconds)
        let deadline = ContinuousClock.now + .seconds(seconds)
        while unanswered > 0 {
            guard ContinuousClock.now < deadline else { throw Failed("\(unanswered) requests are never answered") }
            let again = state.withLock { state in
                defer { state.unknown = [] }
                state.busy += state.unknown.count
                return state.unknown
            }
            for wish in again { send(wish) { [self] in state.withLock { $0.busy -= 1 } } }
            try waitUntilDone(seconds: seconds)
        }
    }

    /// Value and events of every counter, from the answers alone.
    func expected() -> [Int64: (value: Int64, seen: Int64)] {
        state.withLock { state in
            var expected: [Int64: (value: Int64, seen: Int64)] = [:]
            for wish in state.granted {
                let taken = wish.to == nil ? wish.amount : -wish.amount
                expected[wish.from, default: (0, 0)].value += taken
                expected[wish.from, default: (0, 0)].seen += 1
                guard let to = wish.to else { continue }
                expected[to, default: (0, 0)].value += wish.amount
                expected[to, default: (0, 0)].seen += 1
            }
            return expected
        }
    }

    /// Every counter shows exactly what was granted, and the topic tells the same story.
    func judge() throws {
        let counting = counting.counting
        #expect(state.withLock { $0.wrong } == [])
        for (id, (value, seen)) in expected().sorted(by: { $0.key < $1.key }) {
            try counting.waitFor(id, value: value, seen: seen)
        }
        var ids: Set<String> = []
        var events: [Int64: [Int64]] = [:]
        for shard in 0..<counting.shards.count {
            for record in try readAll(counting.topics.events, shard, counting.broker.settings) {
                #expect(ids.insert(record.header("ce_id") ?? "").inserted, "an event is there twice")
                let event = try JSON(parsing: record.value ?? [])
                events[event["counterId"].integer ?? 0, default: []].append(event["value"].integer ?? 0)
            }
        }
        for (id, (value, seen)) in expected() {
            #expect(Int64(events[id]?.count ?? 0) == seen, "events of counter \(id)")
            #expect(events[id]?.last == value, "the last event of counter \(id)")
        }
    }
}
