// Writes that a client has given a key: what the key stands for is settled before anything is done.
import Platform
import Wire
import Worker

extension Edge {
    /// Sends a write, after its key is claimed where that takes asking another shard. Both share the time of the visit.
    func write(_ call: Call, _ visit: Visit, _ backend: Backend, then: @escaping @Sendable (CallResult) -> Void) {
        guard let claim = call.claim(among: backend.placement.shards) else {
            return backend.caller.send(call, then: then)
        }
        backend.caller.send(claim) { result in
            guard case .answered(let reply) = result, reply.status == 204 else { return then(result) }
            var call = call
            let passed = (Clock.monotonicMicroseconds() - visit.startMicroseconds) / 1000
            call.deadlineMilliseconds = max(1, call.deadlineMilliseconds - passed)
            backend.caller.send(call, then: then)
        }
    }
}
