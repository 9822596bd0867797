// A file that is only ever appended to, read at positions and cut at the end.
import CPlatform
import Glibc

/// The file system refused: the text names the call, the file and the reason.
struct StorageError: Error, CustomStringConvertible {
    let description: String
    let code: Int32

    init(_ call: String, _ path: String, code: Int32 = errno) {
        self.code = code
        let reason = unsafe String(cString: strerror(code))
        description = "\(call) \(path): \(reason)"
    }
}

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
        if end < 0 { throw StorageError("lseek", path) }
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

enum FileSystem {
    static func makeDirectory(_ path: String) throws(StorageError) {
        if unsafe mkdir(path, 0o755) != 0 && errno != EEXIST { throw StorageError("mkdir", path) }
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    static func rename(_ source: String, to target: String) throws(StorageError) {
        if unsafe Glibc.rename(source, target) != 0 { throw StorageError("rename", source) }
    }

    static func remove(_ path: String) { unsafe unlink(path) }

    /// The names in a directory without `.` and `..`, sorted; none when it is not there.
    static func list(_ path: String) -> [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            // The name is a C string in a fixed array that lives until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { array in
                unsafe array.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func removeTree(_ path: String) {
        for name in list(path) {
            let child = path + "/" + name
            if unsafe unlink(child) != 0 { removeTree(child) }
        }
        unsafe rmdir(path)
    }

    /// Replaces a small file as a whole: readers and restarts see the old content or the new, never a part.
    static func replace(_ path: String, with bytes: [UInt8]) throws(StorageError) {
        let temporary = path + ".new"
        remove(temporary)
        let file = try LogFile(path: temporary, create: true)
        try file.write(bytes, 0..<bytes.count, at: 0)
        try rename(temporary, to: path)
    }

    static func read(_ path: String) -> [UInt8]? {
        guard exists(path), let file = try? LogFile(path: path, create: false), let size = try? file.size() else {
            return nil
        }
        return try? file.read(at: 0, count: size)
    }
}
