// Places where a test may kill the process, by name: between any two steps of the loop. Debug builds only.
import Glibc
import Platform

enum CrashPoint: String {
    case batchPolled, rulesRun, beforeTransaction, offsetsSent, recordsSent, kafkaCommitted, storeCommitted, replied

    #if DEBUG
        /// `CRASH_AT=kafkaCommitted:3` kills the process the third time it gets there.
        private static let target: (point: CrashPoint, count: Int)? = {
            guard let parts = Settings.process.text("CRASH_AT")?.split(separator: ":"), let first = parts.first,
                let point = CrashPoint(rawValue: String(first))
            else { return nil }
            return (point, parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
        }()
        // Only the loop's thread passes these points.
        private nonisolated(unsafe) static var passed = 0

        static func reach(_ point: CrashPoint) {
            guard let target, target.point == point else { return }
            unsafe passed += 1
            if unsafe passed == target.count { kill(getpid(), SIGKILL) }
        }
    #else
        @inline(__always) static func reach(_ point: CrashPoint) {}
    #endif
}
