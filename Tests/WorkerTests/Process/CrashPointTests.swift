// The worker kills itself between any two steps of its loop, on its first batch ever, in the middle of many, and on
// the last one. Nothing is lost, nothing happens twice, and the files equal their state topics.
import Foundation
import TestSupport
import Testing

@testable import Worker

@Suite(.serialized) struct CrashPointTests {
    @Test(arguments: BrokerKind.available, CrashPoint.all)
    func nothingIsLostOrDoubled(_ kind: BrokerKind, _ point: String) throws {
        try Counting.with(kind) { counting in
            let load = try Load(counting)
            // Files are written a little after the log; at this point they are to be written after every batch.
            let pace = point == "storeCommitted" ? ["STORE_MILLISECONDS": "0"] : [:]
            func crash(_ count: Int) -> [String: String] { pace.merging(["CRASH_AT": "\(point):\(count)"]) { $1 } }
            let worker = try counting.worker(0, crash(1), awaitReady: false)
            load.start(requests: 1, clients: 1)
            try crashes(worker, load)
            // Two batches are the least that so many clients one after the other need.
            worker.environment = crash(5)
            try worker.start()
            load.start(requests: 120, clients: 8)
            try crashes(worker, load)
            worker.environment = crash(1)
            try worker.start()
            load.start(requests: 1, clients: 1)
            try crashes(worker, load)
            try worker.restart()
            try load.settle()
            try load.judge()
            #expect(try worker.stop() == 0)
            try counting.filesEqualTopic((0..<4).map { (worker, $0) })
        }
    }

    /// Waits for the crash, then lets the worker finish without one, so that the next crash meets a calm system.
    private func crashes(_ worker: Counting.Instance, _ load: Load) throws {
        #expect(try worker.waitForExit() == -SIGKILL)
        try worker.restart()
        try load.waitUntilDone(seconds: 60)
        worker.kill()
    }
}

extension CrashPoint {
    static let all = [
        "batchPolled", "rulesRun", "beforeTransaction", "offsetsSent", "recordsSent", "kafkaCommitted",
        "storeCommitted", "replied",
    ]
}
