// What a command line wants of files beside the usual: paths as people write them, and the end of a log.
import Glibc
package import Platform

extension FileSystem {
    static func isExecutable(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }

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

    /// The last lines of a text file.
    package static func tail(_ path: String, lines: Int, after offset: Int64 = 0) -> [String] {
        guard let bytes = read(path) else { return [] }
        // A file that has become shorter was begun anew.
        let own = bytes.dropFirst(offset <= bytes.count ? Int(offset) : 0)
        return String(decoding: own, as: UTF8.self).split(separator: "\n").suffix(lines).map(String.init)
    }
}
