// What the edge needs of whoever carries its calls to the shards: Kafka in a process, memory in the tests.
public import Wire
public import Worker

public protocol ShardCaller: Sendable {
    /// The completion runs once, on any thread, at the deadline at the latest; it must not block.
    func send(_ call: Call, then: @escaping @Sendable (CallResult) -> Void)
    /// Numbers and states for `/metrics`.
    func statistics() -> JSONObject
}
