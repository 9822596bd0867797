// Keys of clients. A key stands for one request, and its shard remembers the answer; but the same key on another request
// may lead to another shard, which has never heard of it. So one shard of the service, chosen by the key, keeps what each
// key stands for. Where that shard carries out the request itself, the answer it remembers is enough.
import Wire

extension WorkerLoop {
    /// 204 when the key stands for this request from now on, or did already; 422 when it stands for another.
    func handleClaim(_ message: RequestMessage, _ shard: Shard, _ now: Int64) throws {
        let keeper = shards.owner(ofText: message.id)
        guard keeper == shard.number else {
            let problem = Problem(421, "the key is kept by shard \(keeper), this is shard \(shard.number)")
            replies.append(ReplyMessage(to: message, Reply(problem)))
            return
        }
        let taken =
            try parking.find(message.id)?.request.fingerprint ?? answers.find(message.id, in: shard)?.fingerprint
        if let taken, taken != message.fingerprint { return refuseKey(message) }
        let reply = Reply(status: 204, contentType: Reply.jsonType, body: [])
        if taken == nil {
            try shard.touch()
            try answers.keep(reply, for: message, in: shard, nowMilliseconds: now)
            shard.hasChanges = true
        }
        replies.append(ReplyMessage(to: message, reply))
    }
}
