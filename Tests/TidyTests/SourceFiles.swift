// The Swift files of this package, as text.
import Foundation

struct SourceFile: CustomStringConvertible {
    /// From the package's root: `Sources/Kafka/Producer.swift`.
    let path: String
    let lines: [Substring]

    var description: String { path }
    /// `Kafka` for `Sources/Kafka/Producer.swift`.
    var module: String { String(path.split(separator: "/")[1]) }

    /// The lines without what follows `//`; a `//` inside of a text (an address) hides the rest of its line, too.
    var code: [String] {
        lines.map { line in line.range(of: "//").map { String(line[..<$0.lowerBound]) } ?? String(line) }
    }
}

enum SourceFiles {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let sources = swiftFiles(under: "Sources")
    static let tests = swiftFiles(under: "Tests")

    private static func swiftFiles(under folder: String) -> [SourceFile] {
        let start = root.appendingPathComponent(folder)
        guard let found = FileManager.default.enumerator(atPath: start.path) else { return [] }
        var files: [SourceFile] = []
        for case let name as String in found where name.hasSuffix(".swift") {
            let path = folder + "/" + name
            guard let text = try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8) else {
                continue
            }
            files.append(SourceFile(path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false)))
        }
        return files.sorted { $0.path < $1.path }
    }
}
