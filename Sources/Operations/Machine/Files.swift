// The few things the kit does with files, on POSIX calls. Every failure names the path and the system's own reason.
import Glibc

package enum Files {
    package static func failure(_ action: String, _ path: String) -> Failure {
        Failure("cannot \(action) \(path): \(unsafe String(cString: strerror(errno)))")
    }

    package static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
    package static func isExecutable(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }

    package static func makeDirectory(_ path: String) throws(Failure) {
        if exists(path) { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeDirectory(String(path[..<slash]))
        }
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else { throw failure("make folder", path) }
    }

    /// Without `.` and `..`, from the root.
    package static func absolute(_ path: String) -> String {
        var parts: [Substring] = []
        for part in (path.hasPrefix("/") ? path : workingDirectory + "/" + path).split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    private static var workingDirectory: String {
        guard let path = unsafe getcwd(nil, 0) else { return "/" }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    /// Nil when there is no such file, or it cannot be read.
    package static func read(_ path: String) -> [UInt8]? {
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

    package static func readText(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

    /// Readers see the old content or the new one, never a half.
    package static func write(_ text: String, to path: String) throws(Failure) {
        let temporary = path + ".new"
        let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure("write", temporary) }
        let isWhole = writeAll(Array(text.utf8), to: file)
        close(file)
        guard isWhole else { throw failure("write", temporary) }
        guard unsafe rename(temporary, path) == 0 else { throw failure("rename to", path) }
    }

    /// Writes to a file, pipe or socket until all is gone; false when that is not possible.
    package static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { return false }
            rest = rest.dropFirst(written)
        }
        return true
    }

    package static func remove(_ path: String) { _ = unsafe unlink(path) }

    package static func size(_ path: String) -> Int64 {
        var information = stat()
        return unsafe stat(path, &information) == 0 ? Int64(information.st_size) : 0
    }

    /// Names in a folder, sorted; none when there is no folder.
    package static func list(_ path: String) -> [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            // The name is a C array that ends with a zero; Swift sees a tuple.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The last lines of a text file.
    package static func tail(_ path: String, lines: Int) -> [String] {
        guard let text = readText(path) else { return [] }
        return text.split(separator: "\n").suffix(lines).map(String.init)
    }
}
