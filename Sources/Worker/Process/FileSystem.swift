// The few things a worker does with files beside SQLite.
import Glibc

enum FileSystem {
    static func size(_ path: String) -> Int64 {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Makes a directory and those above it. Throws the system's own text.
    static func makeDirectory(_ path: String) throws(FileError) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += part + "/"
            if unsafe mkdir(prefix, 0o755) != 0 && errno != EEXIST {
                throw FileError("cannot make directory \(prefix)")
            }
        }
    }

    /// A database and what SQLite keeps beside it.
    static func removeDatabase(_ path: String) {
        for suffix in ["", "-wal", "-shm", "-journal"] { unsafe unlink(path + suffix) }
    }

    /// Puts a closed database elsewhere, unless there is one already: the older copy is the one that matters.
    static func moveDatabase(_ path: String, to other: String) {
        guard !exists(other) else { return removeDatabase(path) }
        for suffix in ["", "-wal", "-shm", "-journal"] { _ = unsafe rename(path + suffix, other + suffix) }
    }

    /// Replaces a small file in one step, so that a reader never sees half of it.
    static func replace(_ path: String, with text: String) throws(FileError) {
        let temporary = path + ".new"
        let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw FileError("cannot write \(temporary)") }
        var text = text
        let written = text.withUTF8 { bytes in unsafe write(file, bytes.baseAddress, bytes.count) }
        close(file)
        guard written == text.utf8.count, unsafe rename(temporary, path) == 0 else {
            throw FileError("cannot write \(path)")
        }
    }
}

struct FileError: Error, CustomStringConvertible {
    let description: String
    /// Adds the reason of the call that just failed.
    init(_ problem: String) {
        let reason = errno
        self.description = unsafe "\(problem): \(String(cString: strerror(reason)))"
    }
}
