// Requests: answered from memory of an earlier answer, by a query, by a rule, or later, when others have answered.
import Contract
import Kafka
import Platform
import SQLite
import Wire

extension WorkerLoop {
    func handleRequest(_ message: RequestMessage, _ record: Record, _ shard: Shard, _ now: Int64) throws {
        guard !isExpired(message, now) else { return }
        if message.claims != nil { return try handleClaim(message, shard, now) }
        if try isRepeat(message, shard) { return }
        counters.requests += 1
        if message.method.isQuery { try shard.beginReading() }
        let job = Job(
            message, record, shard,
            Cause(message, origin: "\(service.contract.name)-\(shard.number)-r\(record.offset)"), now)
        do {
            let target = try routes.target(of: message)
            try checkHome(target, job)
            switch target {
            case .list(let resource, let table):
                let reply = try lists.answer(resource, table: table, message: message, shard: shard)
                answer(job, reply, isCommitted: shard.isCommitted(table))
            case .item(let resource, let table, let id):
                let view = try items.view(resource, table, id, shard)
                if view.isChanging { isBatchWatched = true }
                answer(job, itemReply(view.item, resource, id), isCommitted: view.isCommitted)
            case .rule(let rule, let request, _):
                try conclude(job) { turn in
                    try self.checkVersion(job)
                    return try rule(request, turn)
                }
            }
        } catch let problem as Problem {
            answer(job, Reply(problem))
        } catch {
            try refuse(job, error)
        }
    }

    /// A request on its way through a rule, perhaps in several turns.
    private final class Job {
        let message: RequestMessage
        let record: Record
        /// Once it has been parked: who waits for the answer, this message first. Nobody else before that.
        let waiters: [RequestMessage]
        var everybody: [RequestMessage] { waiters.isEmpty ? [message] : waiters }
        let shard: Shard
        let cause: Cause
        let now: Int64
        /// How often it has been parked before.
        let step: Int

        init(
            _ message: RequestMessage, _ record: Record, waiters: [RequestMessage] = [], _ shard: Shard, _ cause: Cause,
            _ now: Int64, step: Int = 0
        ) {
            self.message = message
            self.record = record
            self.waiters = waiters
            self.shard = shard
            self.cause = cause
            self.now = now
            self.step = step
        }
    }

    /// What a query has read, or not found, need not wait for the batch where it is committed. Without knowing what it has
    /// read: in a shard that the batch has not touched (docs/decisions/0003-queries-do-not-wait-for-the-batch.md).
    private func answer(_ job: Job, _ reply: Reply, isCommitted: Bool? = nil) {
        let isQuery = job.message.method.isQuery
        if isQuery { counters.queries += 1 }
        let isDueNow = isQuery && isCommitted ?? !job.shard.isDirty
        if job.waiters.isEmpty { return answer(job.message, reply, isDueNow) }
        for waiter in job.waiters { answer(waiter, reply, isDueNow) }
    }

    private func answer(_ message: RequestMessage, _ reply: Reply, _ isDueNow: Bool) {
        let answer = ReplyMessage(to: message, reply)
        if isDueNow { log.reply(answer.record(topic: topics.replies)) } else { replies.append(answer) }
    }

    private func itemReply(_ item: [UInt8]?, _ resource: Resource, _ id: Int64) -> Reply {
        guard let item else { return Reply(Self.notFound(resource, id)) }
        return Reply(status: 200, contentType: Reply.jsonType, body: item)
    }

    private static func notFound(_ resource: Resource, _ id: Int64) -> Problem {
        .notFound("\(resource.item) \(id) does not exist")
    }

    private func isExpired(_ message: RequestMessage, _ now: Int64) -> Bool {
        // Written so that no deadline, however strange, can overflow.
        let isExpired = message.deadlineMilliseconds < now - limits.clockAllowanceMilliseconds
        if isExpired { counters.requestsExpired += 1 }
        return isExpired
    }

    /// Who sends a request to the wrong shard has another idea of the shards than we: it must not make a second truth.
    private func checkHome(_ target: Routes.Target, _ job: Job) throws {
        guard let id = routes.home(of: target), let owner = shards.owner(of: id), owner != job.shard.number else {
            return
        }
        let detail = "id \(id) belongs to shard \(owner), this is shard \(job.shard.number)"
        if !job.message.method.isQuery { bury(job.record, reason: detail, job.now) }
        throw Problem(421, detail)
    }

    /// The same request again: answered before, parked, or the same key for something else.
    private func isRepeat(_ message: RequestMessage, _ shard: Shard) throws -> Bool {
        if let parked = parking.find(message.id) {
            if parked.request.fingerprint == message.fingerprint { parking.join(message) } else { refuseKey(message) }
            return true
        }
        guard !message.method.isQuery, let kept = try answers.find(message.id, in: shard) else {
            return false
        }
        if kept.fingerprint == message.fingerprint {
            counters.answersRepeated += 1
            replies.append(ReplyMessage(to: message, kept.reply))
        } else {
            refuseKey(message)
        }
        return true
    }

    func refuseKey(_ message: RequestMessage) {
        let problem = Problem(422, "the key '\(message.id.prefix(80))' was used for another request")
        replies.append(ReplyMessage(to: message, Reply(problem)))
    }

    /// `If-Match`: the item must still be as the client knows it.
    private func checkVersion(_ job: Job) throws {
        guard let tag = job.message.ifMatch, let resource = routes.resource(of: job.message),
            let id = routes.itemID(of: job.message), let table = service.rules.tables[resource.name]
        else { return }
        guard let item = try items.now(resource, table, id, job.shard) else { throw Self.notFound(resource, id) }
        let current = EntityTag.of(item)
        guard EntityTag.ifMatch(tag, allows: current) else {
            throw Problem(412, "\(resource.item) \(id) is now \(current), not \(tag.prefix(80))")
        }
    }

    // MARK: - Rules

    /// Runs a rule to its answer, or parks the request if the rule needs others first.
    private func conclude(_ job: Job, _ rule: (Turn) throws -> Outcome) throws {
        let reply: Reply
        do {
            let outcome = try job.message.method.isQuery ? runQuery(job, rule) : runInSavepoint(job, rule)
            guard case .reply(let answer) = outcome else { return park(outcome, job) }
            reply = answer
        } catch let problem as Problem where job.message.method.isQuery {
            reply = Reply(problem)
        } catch let problem as Problem {
            // Refused: the savepoint took back what the rule had done, but a repeat must hear the same.
            reply = Reply(problem)
            try job.shard.store.savepoint {
                try answers.keep(reply, for: job.message, in: job.shard, nowMilliseconds: job.now)
                try checkRows(job.shard)
            }
            job.shard.hasChanges = true
        }
        answer(job, reply)
    }

    private func runQuery(_ job: Job, _ rule: (Turn) throws -> Outcome) throws -> Outcome {
        let turn = newTurn(job.shard, job.now)
        job.shard.store.mayWrite = false
        defer { job.shard.store.mayWrite = true }
        let outcome = try rule(turn)
        guard turn.effects.isEmpty else { throw Problem(500, "a query may not publish or send") }
        return outcome
    }

    /// Rows, messages and the memory of the answer: all of it, or nothing.
    private func runInSavepoint(_ job: Job, _ rule: (Turn) throws -> Outcome) throws -> Outcome {
        try job.shard.touch()
        let turn = newTurn(job.shard, job.now)
        var parked: Outcome?
        do {
            let (reply, records) = try job.shard.store.savepoint {
                let outcome = try rule(turn)
                guard case .reply(let answer) = outcome else {
                    parked = outcome
                    throw ParkedSignal()
                }
                let reply = self.presented(answer, job)
                try answers.keep(reply, for: job.message, in: job.shard, nowMilliseconds: job.now)
                try checkRows(job.shard)
                return (reply, try recordsOf(turn, job.cause, job.now))
            }
            outgoing += records
            job.shard.hasChanges = true
            return .reply(reply)
        } catch is ParkedSignal {
            return parked ?? .noContent
        }
    }

    /// Rolls back what a rule wrote before it asked: its continuation decides.
    private struct ParkedSignal: Error {}

    /// Some resources of the originals answer a creation with another status than 201.
    private func presented(_ reply: Reply, _ job: Job) -> Reply {
        guard reply.createdID != nil, reply.status == 201, let resource = routes.resource(of: job.message),
            resource.statusOfCreation != 201
        else { return reply }
        var reply = reply
        reply.status = resource.statusOfCreation
        return reply
    }

    /// A rule failed: what it had done is taken back, and the caller is told no more than that. The answer is not kept, so
    /// that a letter that is put back gets another chance.
    private func refuse(_ job: Job, _ error: any Error) throws {
        bury(job.record, reason: try blame(error), job.now)
        answer(job, Reply(Problem(500, "the request could not be handled")))
    }

    // MARK: - Waiting for others

    private func park(_ outcome: Outcome, _ job: Job) {
        guard parking.count < limits.parkedMax else {
            let problem = Problem.unavailable("\(limits.parkedMax) requests wait for other services, try again")
            return answer(job, Reply(problem))
        }
        switch outcome {
        case .reply: return
        case .wait(let milliseconds, let continuation):
            _ = parking.park(
                job.message, record: job.record, waiters: job.everybody, shard: job.shard.number, cause: job.cause,
                step: job.step + 1, questions: 0, dueAt: clock.monotonic() + max(0, milliseconds), then: continuation)
        case .ask(let questions, let continuation):
            let number = parking.park(
                job.message, record: job.record, waiters: job.everybody, shard: job.shard.number, cause: job.cause,
                step: job.step + 1, questions: questions.count, dueAt: nil, then: continuation)
            for (place, question) in questions.enumerated() { ask(question, place, number, job) }
        }
    }

    private func ask(_ question: Question, _ place: Int, _ number: Int, _ job: Job) {
        let id = job.message.id
        guard let home = shards.owner(of: question.home) else {
            let reason = "\(question.home) is no id"
            return parking.answer(id, number: number, place: place, .unanswered(reason: reason))
        }
        let call = Call(
            service: question.service, shard: home, method: question.method, path: question.path, body: question.body,
            key: question.method.isQuery ? nil : key(of: id, step: job.step, place),
            deadlineMilliseconds: limits.callMilliseconds, trace: job.cause.trace.child(),
            correlation: job.cause.correlation)
        caller.send(call, now: clock.monotonic()) { [weak self] result in
            let answer: Answer =
                switch result {
                case .answered(let reply): .answered(reply)
                case .refused(let problem): .unanswered(reason: problem.detail)
                }
            self?.parking.answer(id, number: number, place: place, answer)
        }
    }

    /// A call that changes something is the same call when this request is run again after a crash. The name of the service
    /// stands before it, since a client may use one key with several services, and these may ask the same third one. The
    /// space is in no key that an edge takes from a client (`IdempotencyKey`), so that none can take the place of this.
    private func key(of id: String, step: Int, _ place: Int) -> String {
        "\(service.contract.name) \(id)/\(step).\(place)"
    }

    /// The continuation of a parked request, in a turn of its own.
    func resume(_ parked: Parking.Parked, nowMilliseconds now: Int64) throws {
        guard let shard = custody.shard(parked.shard), !isExpired(parked.request, now) else { return }
        let job = Job(
            parked.request, parked.record, waiters: parked.waiters, shard, parked.cause, now, step: parked.step)
        do {
            try conclude(job) { turn in
                // Others may have changed the item meanwhile.
                try self.checkVersion(job)
                return try parked.continuation(parked.answers.compactMap { $0 }, turn)
            }
        } catch {
            try refuse(job, error)
        }
    }
}
