// A file that is only ever appended to, read at positions and cut at the end.
import CPlatform
import Glibc
import Platform

/// What the log throws is what the system refused.
typealias StorageError = SystemError

final class LogFile {
    let path: String
    let descriptor: Int32

    init(path: String, create: Bool) throws(StorageError) {
        self.path = path
        descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0o644)
        if descriptor < 0 { throw StorageError("open", path) }
    }

    deinit { close(descriptor) }

    func size() throws(StorageError) -> Int {
        let end = lseek(descriptor, 0, SEEK_END)
        if end < 0 { throw StorageError("find the end of", path) }
        return Int(end)
    }

    /// Writes all of it at a position, or nothing: what a full disk left half written is cut off again.
    func write(_ bytes: [UInt8], _ range: Range<Int>, at position: Int) throws(StorageError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        var done = 0
        while done < range.count {
            let written = unsafe bytes.withUnsafeBytes { content in
                unsafe pwrite(
                    descriptor, content.baseAddress! + range.lowerBound + done, range.count - done,
                    off_t(position + done))
            }
            if written > 0 {
                done += written
            } else if errno != EINTR {
                let error = StorageError("write", path)
                ftruncate(descriptor, off_t(position))
                throw error
            }
        }
    }

    /// Up to `count` bytes from a position; fewer at the end of the file.
    func read(at position: Int, count: Int) throws(StorageError) -> [UInt8] {
        var failure: Int32 = 0
        // The closure reports how many of the bytes it has initialised, which is all that is ever looked at.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count {
                let got = unsafe pread(
                    descriptor, buffer.baseAddress! + initialized, count - initialized, off_t(position + initialized))
                if got > 0 {
                    initialized += got
                } else if got == 0 {
                    break
                } else if errno != EINTR {
                    failure = errno
                    break
                }
            }
        }
        if failure != 0 { throw StorageError("read", path, code: failure) }
        return bytes
    }

    func truncate(to size: Int) throws(StorageError) {
        if ftruncate(descriptor, off_t(size)) != 0 { throw StorageError("truncate", path) }
    }
}

/// A stretch of a log file. Holding it keeps the file open, even when retention has removed its name.
struct FileSlice {
    let file: LogFile
    let offset: Int
    let length: Int
}
