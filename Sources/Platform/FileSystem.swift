// What the processes of a system do with files, on POSIX calls.
import Glibc

/// The operating system refused. The text says what was tried, with what, and the system's own reason.
public struct SystemError: Error, Sendable, CustomStringConvertible {
    public let description: String

    /// Of the call that just failed.
    public init(_ action: String, _ object: String) { self.init(action, object, code: errno) }

    public init(_ action: String, _ object: String, code: Int32) {
        description = "cannot \(action) \(object): \(unsafe String(cString: strerror(code)))"
    }
}

public enum FileSystem {
    public static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    public static func size(_ path: String) -> Int64 {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    // MARK: - Reading

    /// Nil when there is no such file, or it cannot be read.
    public static func read(_ path: String) -> [UInt8]? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        // Files under /proc have no size beforehand, so all are read until they end.
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe Glibc.read(file, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes += piece[..<count]
        }
    }

    public static func readText(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

    // MARK: - Writing

    /// Replaces a small file as a whole: readers and restarts see the old content or the new one, never a part.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) {
        let temporary = path + ".new"
        do throws(SystemError) {
            try write(bytes, to: temporary)
            try rename(temporary, to: path)
        } catch {
            remove(temporary)
            throw error
        }
    }

    public static func replace(_ path: String, with text: String) throws(SystemError) {
        try replace(path, with: Array(text.utf8))
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(SystemError) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw SystemError("write", path) }
        defer { close(file) }
        guard writeAll(bytes, to: file) else { throw SystemError("write", path) }
    }

    /// Writes to a file, pipe or socket until all is gone; false when that is not possible, and `errno` says why.
    public static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { return false }
            rest = rest.dropFirst(written)
        }
        return true
    }

    // MARK: - Names

    public static func rename(_ path: String, to other: String) throws(SystemError) {
        guard unsafe Glibc.rename(path, other) == 0 else { throw SystemError("rename", "\(path) to \(other)") }
    }

    public static func remove(_ path: String) { _ = unsafe unlink(path) }

    // MARK: - Directories

    /// Makes a directory in one that is there.
    public static func makeDirectory(_ path: String) throws(SystemError) {
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else { throw SystemError("make directory", path) }
    }

    /// Makes a directory and those above it.
    public static func makeDirectories(_ path: String) throws(SystemError) {
        if exists(path) { return }
        if let parent = parent(of: path) { try makeDirectories(parent) }
        try makeDirectory(path)
    }

    /// The directory that a path names something in; nil for the root, and where the path names none.
    public static func parent(of path: String) -> String? {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return nil }
        return String(path[..<slash])
    }

    /// The names in a directory without `.` and `..`, sorted; none when it is not there.
    public static func list(_ path: String) -> [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            // The name is a C array that ends with a zero; Swift sees a tuple.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file, or a directory with all that is in it.
    public static func removeTree(_ path: String) {
        if unsafe unlink(path) == 0 { return }
        for name in list(path) { removeTree(path + "/" + name) }
        _ = unsafe rmdir(path)
    }
}
