// Clients go on while workers and the broker are killed without warning. The judge counts at the end.
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct ChaosTests {
    /// The full size is for `make soak`.
    private static let isFull = ProcessInfo.processInfo.environment["SOAK"] != nil

    @Test(arguments: BrokerKind.available) func everyRequestCountsOnce(_ kind: BrokerKind) throws {
        let (requests, clients) = Self.isFull ? (20_000, 50) : (3_000, 50)
        try Counting.with(kind, private: true, shards: 6) { counting in
            let load = try Load(counting, counters: 24)
            let workers = try (0..<3).map { try counting.worker($0) }
            load.start(requests: requests, clients: clients)
            var kills = 0
            var brokerKills = 0
            let brokerKillsMax = 2
            let limit = ContinuousClock.now + .seconds(Self.isFull ? 300 : 20)
            while !load.isDone, ContinuousClock.now < limit {
                usleep(UInt32.random(in: 100_000...500_000))
                let victim = workers[Int.random(in: 0..<workers.count)]
                victim.kill()
                try victim.start()
                kills += 1
                if kills % 20 == 10, brokerKills < brokerKillsMax, counting.broker.canBeKilled {
                    counting.broker.kill()
                    usleep(UInt32.random(in: 0...500_000))
                    try counting.broker.start()
                    brokerKills += 1
                }
            }
            // Those that ended by themselves would be started again by their supervisor, too.
            let revival = Revival(workers)
            defer { revival.stop() }
            try load.settle(seconds: 300)
            try load.judge()
            print("chaos on \(kind): \(load.answered) requests, \(kills) workers and \(brokerKills) brokers killed")
            #expect(kills > 3)
            revival.stop()
            for worker in workers { _ = try worker.stop() }
        }
    }
}

/// Starts again what has ended, as a supervisor does.
final class Revival: @unchecked Sendable {  // the workers belong to the thread until it is stopped
    private let stopped = Box(false)
    private let thread: Thread
    private let finished = DispatchSemaphore(value: 0)

    init(_ workers: [Counting.Instance]) {
        let workers = Box(UncheckedSendable(workers))
        thread = Thread { [stopped, finished] in
            while !stopped.value {
                for worker in workers.value.value where !worker.isRunning { try? worker.start() }
                usleep(100_000)
            }
            finished.signal()
        }
        thread.start()
    }

    func stop() {
        guard
            !stopped.update({
                let was = $0
                $0 = true
                return was
            })
        else { return }
        finished.wait()
    }
}

struct UncheckedSendable<Value>: @unchecked Sendable {  // handed from one thread to another, never used by both
    let value: Value
    init(_ value: Value) { self.value = value }
}
