// A path that the process answers by itself, without asking a shard: probes and switches of this one process.
public import Wire
public import Worker

public struct LocalRoute: Sendable {
    public let path: String
    public let summary: String
    let answer: @Sendable () throws(Problem) -> Reply

    /// A `GET` of the path. The answer is made on the thread that serves everyone: it must not block.
    public init(_ path: String, _ summary: String, _ answer: @escaping @Sendable () throws(Problem) -> Reply) {
        self.path = path
        self.summary = summary
        self.answer = answer
    }
}
