// Calls under way of one requester: sent, repeated until answered, given up at their deadline. One thread uses it.
import Contract
import Kafka
import Platform
import Wire

/// How calls leave and answers come in: Kafka in a process, a model in the simulation.
protocol CallTransport: AnyObject {
    func send(_ record: OutgoingRecord) throws
    /// The next record of the reply partition, nil when there is none at the moment.
    func nextReply() -> Record?
}

final class Caller {
    /// What the circuit breaker applies to: calls of a service wait for a moment, callers at the edge for their answer.
    enum Patience { case service, edge }

    private struct Pending {
        let service: String
        let message: RequestMessage
        let topic: String
        let shard: Int32
        let deadline: Int64
        var repeatAt: Int64
        var repeatAfter: Int64
        var isSent: Bool
        var waiters: [(CallResult) -> Void]
        let fingerprint: Int64
    }

    private let topics: Topics
    private let transport: any CallTransport
    private let limits: WorkerLimits
    private let patience: Patience
    private let wall: () -> Int64
    let instance: String
    let requester: String
    /// A simulation gives each requester one of its own.
    var replyPartition: Int32
    private var pending: [Int64: Pending] = [:]
    /// Calls a client gave a key to, so that the same request from many connections is one call.
    private var keyed: [String: Int64] = [:]
    private var breakers: [String: Breaker] = [:]
    private var lastCall: Int64 = 0
    /// Those who wait for an answer; several may wait for one call.
    private var waiting = 0
    private var nextCheck: Int64 = 0
    /// The last bite of replies was a full one: the rest is there already, and nobody rings for it.
    private var hasMoreReplies = false
    private static let repliesAtOnce = 4_000
    private(set) var repeats: Int64 = 0

    init(
        topics: Topics, instance: String, transport: any CallTransport, limits: WorkerLimits, patience: Patience,
        incarnation: String, wall: @escaping () -> Int64 = Clock.wallMilliseconds
    ) {
        self.topics = topics
        self.transport = transport
        self.limits = limits
        self.patience = patience
        self.wall = wall
        self.instance = instance
        // An instance that starts again is another requester: answers to its former life are nobody's.
        requester = "\(instance)/\(incarnation)"
        replyPartition = Topics.replyPartition(of: instance)
    }

    var inFlight: Int { pending.count }

    func breakerStates(now: Int64) -> [(service: String, state: String)] {
        breakers.map { (service: $0.key, state: $0.value.state(now: now).rawValue) }.sorted { $0.service < $1.service }
    }

    // MARK: - Calling

    func send(_ call: Call, now: Int64 = Clock.monotonicMilliseconds(), then: @escaping (CallResult) -> Void) {
        guard waiting < limits.callsInFlightMax else {
            return then(.refused(.unavailable("\(limits.callsInFlightMax) requests are under way, try again")))
        }
        lastCall += 1
        let message = message(call)
        let record = message.record(topic: topics.requests(call.service), shard: call.shard)
        if let problem = refusal(of: record) { return then(.refused(problem)) }
        if patience == .service, !admits(call.service, now: now) {
            return then(.refused(.unavailable("the circuit to \(call.service) is open")))
        }
        let fingerprint = message.fingerprint
        if let key = call.key, let twin = keyed[key], let other = pending[twin], other.fingerprint == fingerprint,
            other.service == call.service, other.shard == call.shard
        {
            pending[twin]?.waiters.append(then)
            waiting += 1
            return
        }
        let entry = Pending(
            service: call.service, message: message, topic: record.topic, shard: call.shard,
            deadline: now + call.deadlineMilliseconds, repeatAt: now + limits.repeatMilliseconds,
            repeatAfter: limits.repeatMilliseconds, isSent: false, waiters: [then], fingerprint: fingerprint)
        pending[lastCall] = entry
        waiting += 1
        if let key = call.key { keyed[key] = lastCall }
        transmit(lastCall, record)
        nextCheck = min(nextCheck, now + limits.repeatMilliseconds, entry.deadline)
    }

    /// What no shard would take is not sent: it would become a dead letter, and its caller would hear nothing.
    private func refusal(of record: OutgoingRecord) -> Problem? {
        guard record.byteCount <= limits.recordBytesMax else {
            return Problem(413, "the request has \(record.byteCount) bytes, at most \(limits.recordBytesMax) are taken")
        }
        do throws(Problem) { try limits.checkIDs(record.headers) } catch { return error }
        return nil
    }

    private func admits(_ service: String, now: Int64) -> Bool {
        breakers[
            service,
            default: Breaker(failuresMax: limits.breakerFailures, openMilliseconds: limits.breakerOpenMilliseconds)
        ].admits(now: now)
    }

    private func message(_ call: Call) -> RequestMessage {
        RequestMessage(
            id: call.key ?? "\(requester).\(lastCall)", call: lastCall, method: call.method, path: call.path,
            replyTo: replyPartition, requester: requester,
            deadlineMilliseconds: wall() + call.deadlineMilliseconds, ifMatch: call.ifMatch,
            trace: call.trace, correlation: call.correlation, body: call.body, claims: call.claims)
    }

    private func transmit(_ number: Int64, _ record: OutgoingRecord) {
        do {
            try transport.send(record)
            pending[number]?.isSent = true
        } catch {
            // The producer's queue is full or Kafka is away: the next repeat is the next try.
            Log.debug("a call waits to be sent", ["error": LogValue(describing: error)])
        }
    }

    // MARK: - Answers, repeats, deadlines

    /// Takes what has come in and looks after what has not. True when an answer came.
    @discardableResult
    func turn(now: Int64 = Clock.monotonicMilliseconds()) -> Bool {
        let heard = takeReplies(now: now)
        if now >= nextCheck { check(now: now) }
        return heard
    }

    /// One bite: others answer into the same partition, and however many they are, whoever calls this has other work.
    private func takeReplies(now: Int64) -> Bool {
        var heard = false
        hasMoreReplies = true
        for _ in 0..<Self.repliesAtOnce {
            guard let record = transport.nextReply() else {
                hasMoreReplies = false
                return heard
            }
            guard let answer = ReplyMessage(record, requester: requester) else { continue }
            heard = true
            finish(answer.call, .answered(answer.reply), now: now)
        }
        return heard
    }

    /// Milliseconds until something has to be looked after.
    func patienceLeft(now: Int64) -> Int64 {
        if hasMoreReplies { return 0 }
        return pending.isEmpty ? .max : max(0, nextCheck - now)
    }

    private func check(now: Int64) {
        nextCheck = .max
        for (number, entry) in pending {
            if now >= entry.deadline {
                giveUp(number, entry, now: now)
                continue
            }
            if now >= entry.repeatAt {
                repeats += 1
                pending[number]?.repeatAfter = min(entry.repeatAfter * 2, limits.repeatMillisecondsMax)
                // The time left counts, not the wall clock of the first try: clocks jump.
                var message = entry.message
                message.deadlineMilliseconds = wall() + entry.deadline - now
                pending[number]?.repeatAt = now + min(entry.repeatAfter * 2, limits.repeatMillisecondsMax)
                transmit(number, message.record(topic: entry.topic, shard: entry.shard))
            }
            nextCheck = min(nextCheck, pending[number]?.repeatAt ?? .max, entry.deadline)
        }
    }

    /// Everybody who still waits is told: nobody will listen for the answer any more.
    func stop(now: Int64 = Clock.monotonicMilliseconds()) {
        for (number, entry) in pending {
            finish(number, .refused(entry.isSent ? Self.leftInDoubt : Self.stopping), now: now)
        }
    }

    static let stopping = Problem.unavailable("the process is stopping, the request was not sent")
    /// Not 503, which invites to repeat a write that may be done already.
    private static let leftInDoubt = Problem(504, "the process is stopping, the answer has not come yet")

    private func giveUp(_ number: Int64, _ entry: Pending, now: Int64) {
        if patience == .service, breakers[entry.service]?.timedOut(now: now) == true {
            Log.warning("circuit opened", ["target": LogValue(entry.service)])
        }
        let waited = "\(entry.service) did not answer in time"
        finish(
            number,
            .refused(
                entry.isSent
                    ? Problem(504, waited)
                    : .unavailable("Kafka cannot be reached; the request was not sent")), now: now)
    }

    private func finish(_ number: Int64, _ result: CallResult, now: Int64) {
        guard let entry = pending.removeValue(forKey: number) else { return }
        waiting -= entry.waiters.count
        if keyed[entry.message.id] == number { keyed[entry.message.id] = nil }
        if patience == .service, case .answered = result {
            if let breaker = breakers[entry.service], breaker.state(now: now) != .closed {
                Log.info("circuit closed", ["target": LogValue(entry.service)])
            }
            breakers[entry.service]?.succeeded()
        }
        for waiter in entry.waiters { waiter(result) }
    }
}
