// Operating-system threads: loops block in poll(2) and C libraries, which Swift's cooperative pool must never do.
import CPlatform
import Glibc
import Synchronization

public final class Thread: Sendable {
    private let handle: pthread_t

    /// Runs `body` on a thread of its own, named so in debuggers (the first 15 bytes).
    public init(name: String, _ body: @escaping @Sendable () -> Void) {
        let start = unsafe Unmanaged.passRetained(ThreadStart(name: name, body: body))
        var handle = pthread_t()
        let failure = unsafe pthread_create(&handle, nil, threadMain, start.toOpaque())
        // Out of threads or memory at start-up: nothing the process could do would be right.
        precondition(failure == 0, "pthread_create failed with \(failure)")
        self.handle = handle
    }

    public func join() { pthread_join(handle, nil) }
}

private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

// At file scope: a closure literal given to C may carry an isolation check that traps on a foreign thread.
private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { return nil }
    let start = unsafe Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
    _ = unsafe cplatform_name_this_thread(start.name)
    start.body()
    return nil
}
