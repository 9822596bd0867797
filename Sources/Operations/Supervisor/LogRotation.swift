// Log files have a bound: beyond it the content moves to `<name>.1`, where it replaces what was there.
import Glibc
import Platform

struct LogRotation {
    static let variable = "LOG_BYTES_MAX"
    private static let checkEveryMilliseconds: Int64 = 2_000

    private let bytesMax: Int64
    private var nextCheck: Int64 = 0

    init(settings: Settings) throws(SettingsError) {
        bytesMax = try settings.integer(Self.variable, default: 16 << 20, in: (64 << 10)...(1 << 40))
    }

    mutating func rotate(_ logs: [String]) {
        let now = Clock.monotonicMilliseconds()
        guard now >= nextCheck else { return }
        nextCheck = now + Self.checkEveryMilliseconds
        for log in logs where FileSystem.size(log) > bytesMax {
            // The writer has the file open to append: it is emptied under it, not renamed, and goes on at the start.
            // Lines written between the copy and the cut are lost, which a log may.
            guard let content = FileSystem.read(log) else { continue }
            do { try FileSystem.replace(log + ".1", with: content) } catch {
                Log.warning("a log was not kept: \(error)")
            }
            unsafe truncate(log, 0)
        }
    }
}
