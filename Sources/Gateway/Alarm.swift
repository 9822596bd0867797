// Runs something later, on one thread for everybody: waiting must cost no thread a request.
import Platform
import Synchronization

final class Alarm: Sendable {
    private struct Entry {
        let time: Int64
        let body: @Sendable () -> Void
    }
    private struct State {
        /// Latest first, so that what is due is taken from the end.
        var entries: [Entry] = []
        var isRunning = false
        var isStopped = false
    }
    private final class Shared: Sendable {
        let state = Mutex(State())
        let bell = Wake()
    }
    private let shared = Shared()

    deinit {
        shared.state.withLock { $0.isStopped = true }
        shared.bell.ring()
    }

    /// The body must not block: it holds up all others.
    func after(milliseconds: Int64, _ body: @escaping @Sendable () -> Void) {
        let time = Clock.monotonicMilliseconds() + milliseconds
        let (isSoonest, mustStart) = shared.state.withLock { state in
            let place = state.entries.firstIndex { $0.time <= time } ?? state.entries.endIndex
            state.entries.insert(Entry(time: time, body: body), at: place)
            defer { state.isRunning = true }
            return (place == state.entries.endIndex - 1, !state.isRunning)
        }
        if mustStart {
            // The thread holds what it needs and not the alarm, whose end is then the thread's end.
            let shared = shared
            _ = Thread(name: "edge-alarm") { Self.run(shared) }
        } else if isSoonest {
            shared.bell.ring()
        }
    }

    private static func run(_ shared: Shared) {
        while true {
            let now = Clock.monotonicMilliseconds()
            let (due, pause, isStopped) = shared.state.withLock { state in
                var due: [Entry] = []
                while let last = state.entries.last, last.time <= now { due.append(state.entries.removeLast()) }
                let pause = state.entries.last.map { $0.time - now } ?? idleMilliseconds
                return (due, pause, state.isStopped)
            }
            if isStopped { return }
            for entry in due { entry.body() }
            if due.isEmpty { shared.bell.wait(milliseconds: Int32(clamping: pause)) }
        }
    }

    private static let idleMilliseconds: Int64 = 60_000
}
