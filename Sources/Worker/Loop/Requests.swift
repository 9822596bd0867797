// Requests: answered from memory of an earlier answer, by a query, by a rule, or later, when others have answered.
import Contract
import Kafka
import Platform
import SQLite
import Wire

extension WorkerLoop {
    func handleRequest(_ message: RequestMessage, _ record: Record, _ shard: Shard, _ now: Int64) throws {
        guard message.deadlineMilliseconds + limits.clockAllowanceMilliseconds >= now else {
            counters.requestsExpired += 1
            return
        }
        if try isRepeat(message, shard) { return }
        counters.requests += 1
        let cause = Cause(message, origin: "\(service.contract.name)-\(shard.number)-r\(record.offset)")
        do {
            switch try routes.target(of: message) {
            case .list(let resource, let table):
                answerQuery(
                    message, shard,
                    try lists.answer(resource, table: table, message: message, shard: shard))
            case .item(let resource, let table, let id):
                answerQuery(message, shard, try item(resource, table, id, shard))
            case .rule(let rule, let request, let resource):
                try conclude(message, [message], shard, cause, now, resource) { turn in
                    if let tag = message.ifMatch, let resource, let id = request.id {
                        try self.check(tag, resource, id, shard)
                    }
                    return try rule(request, turn)
                }
            }
        } catch let problem as Problem {
            replies.append(ReplyMessage(to: message, Reply(problem)))
        } catch {
            try bury(record, reason: blame(error), now)
            refuse([message])
        }
    }

    /// A rule failed: what it had done is taken back, and the caller is told no more than that.
    private func refuse(_ waiters: [RequestMessage]) {
        let reply = Reply(Problem(500, "the request could not be handled"))
        for waiter in waiters { replies.append(ReplyMessage(to: waiter, reply)) }
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

    private func refuseKey(_ message: RequestMessage) {
        let problem = Problem(422, "the key '\(message.id.prefix(80))' was used for another request")
        replies.append(ReplyMessage(to: message, Reply(problem)))
    }

    // MARK: - Queries

    /// A shard without uncommitted rows shows committed ones: its answer need not wait for the batch.
    private func answerQuery(_ message: RequestMessage, _ shard: Shard, _ reply: Reply) {
        counters.queries += 1
        let answer = ReplyMessage(to: message, reply)
        if shard.isDirty { replies.append(answer) } else { log.reply(answer.record(topic: topics.replies)) }
    }

    private func item(_ resource: Resource, _ table: String, _ id: Int64, _ shard: Shard) throws -> Reply {
        guard let item = try find(resource, table, id, shard) else {
            throw Problem.notFound("\(resource.item) \(id) does not exist")
        }
        return Reply(status: 200, contentType: Reply.jsonType, body: item.bytes)
    }

    private func find(_ resource: Resource, _ table: String, _ id: Int64, _ shard: Shard) throws -> JSONObject? {
        let columns = resource.fields.map(\.name).joined(separator: ", ")
        return try shard.store.first(
            "SELECT \(columns) FROM \(table) WHERE \(resource.idField) = ?1", [.integer(id)]
        ).map(resource.item)
    }

    private func check(_ tag: String, _ resource: Resource, _ id: Int64, _ shard: Shard) throws {
        guard let table = service.rules.tables[resource.name] else { return }
        guard let item = try find(resource, table, id, shard) else {
            throw Problem.notFound("\(resource.item) \(id) does not exist")
        }
        let current = EntityTag.of(item.bytes)
        guard EntityTag.ifMatch(tag, allows: current) else {
            throw Problem(412, "\(resource.item) \(id) is now \(current), not \(tag.prefix(80))")
        }
    }

    // MARK: - Rules

    /// Runs a rule to its answer, or parks the request if the rule needs others first.
    private func conclude(
        _ message: RequestMessage, _ waiters: [RequestMessage], _ shard: Shard, _ cause: Cause, _ now: Int64,
        _ resource: Resource?, _ rule: (Turn) throws -> Outcome
    ) throws {
        if !message.method.isQuery { try shard.touch() }
        let turn = newTurn(shard, now)
        var reply: Reply
        do {
            let outcome =
                try message.method.isQuery ? rule(turn) : runInSavepoint(turn, cause, now, shard, rule)
            guard case .reply(let answer) = outcome else { return park(outcome, message, waiters, shard, cause) }
            reply = answer
            if let resource, reply.createdID != nil, reply.status == 201 {
                reply.status = resource.statusOfCreation
                if resource.statusOfCreation != 201 { reply.createdID = nil }
            }
        } catch let problem as Problem {
            // Refused: the savepoint took back what the rule had done, but a repeat must hear the same.
            reply = Reply(problem)
        }
        if message.method.isQuery {
            counters.queries += 1
        } else {
            try answers.keep(reply, for: message, in: shard, nowMilliseconds: now)
            shard.hasChanges = true
        }
        for waiter in waiters { replies.append(ReplyMessage(to: waiter, reply)) }
    }

    private func runInSavepoint(
        _ turn: Turn, _ cause: Cause, _ now: Int64, _ shard: Shard, _ rule: (Turn) throws -> Outcome
    ) throws -> Outcome {
        var parked: Outcome?
        do {
            return try shard.store.savepoint {
                let outcome = try rule(turn)
                guard case .reply = outcome else {
                    parked = outcome
                    throw ParkedSignal()
                }
                outgoing += try recordsOf(turn, cause, now)
                return outcome
            }
        } catch is ParkedSignal {
            return parked ?? .noContent
        }
    }

    /// Rolls back what a rule wrote before it asked: its continuation decides.
    private struct ParkedSignal: Error {}

    // MARK: - Waiting for others

    private func park(
        _ outcome: Outcome, _ message: RequestMessage, _ waiters: [RequestMessage], _ shard: Shard, _ cause: Cause
    ) {
        guard parking.count < limits.parkedMax else {
            let problem = Problem.unavailable("\(limits.parkedMax) requests wait for other services, try again")
            for waiter in waiters { replies.append(ReplyMessage(to: waiter, Reply(problem))) }
            return
        }
        switch outcome {
        case .reply: return
        case .wait(let milliseconds, let continuation):
            _ = parking.park(
                message, waiters: waiters, shard: shard.number, cause: cause, questions: 0,
                dueAt: clock.monotonic() + milliseconds, then: continuation)
        case .ask(let questions, let continuation):
            let number = parking.park(
                message, waiters: waiters, shard: shard.number, cause: cause, questions: questions.count, dueAt: nil,
                then: continuation)
            for (place, question) in questions.enumerated() { ask(question, place, number, message, cause) }
        }
    }

    private func ask(_ question: Question, _ place: Int, _ number: Int, _ message: RequestMessage, _ cause: Cause) {
        guard let home = shards.owner(of: question.home) else {
            let reason = "\(question.home) is no id"
            return parking.answer(message.id, number: number, place: place, .unanswered(reason: reason))
        }
        let call = Call(
            service: question.service, shard: home, method: question.method, path: question.path, body: question.body,
            // A call that changes something is the same call when this request is run again after a crash.
            key: question.method.isQuery ? nil : "\(message.id)/\(place)",
            deadlineMilliseconds: limits.callMilliseconds, trace: cause.trace.child(), correlation: cause.correlation)
        caller.send(call, now: clock.monotonic()) { [weak self] result in
            let answer: Answer =
                switch result {
                case .answered(let reply): .answered(reply)
                case .refused(let problem): .unanswered(reason: problem.detail)
                }
            self?.parking.answer(message.id, number: number, place: place, answer)
        }
    }

    /// The continuation of a parked request, in a turn of its own.
    func resume(_ parked: Parking.Parked, nowMilliseconds now: Int64) throws {
        guard let shard = custody.shard(parked.shard) else { return }
        guard parked.request.deadlineMilliseconds + limits.clockAllowanceMilliseconds >= now else {
            counters.requestsExpired += 1
            return
        }
        let resource = routes.resource(of: parked.request)
        do {
            try conclude(parked.request, parked.waiters, shard, parked.cause, now, resource) { turn in
                try parked.continuation(parked.answers.compactMap { $0 }, turn)
            }
        } catch {
            let reason = try blame(error)
            Log.error("a continuation failed", ["request": LogValue(parked.request.id), "reason": LogValue(reason)])
            refuse(parked.waiters)
        }
    }
}
