// Rules of style and layering that the compiler does not know. Each message names what to do instead.
import Foundation
import Testing

@Suite struct TidyTests {
    /// `path:line: text` of every line of code that the expression matches.
    private func hits(_ pattern: String, in files: [SourceFile]) throws -> [String] {
        let expression = try Regex(pattern)
        return files.flatMap { file in
            file.code.enumerated().filter { $0.element.contains(expression) }
                .map { "\(file.path):\($0.offset + 1): \($0.element.trimmingCharacters(in: .whitespaces))" }
        }
    }

    @Test func theSourcesAreFound() {
        #expect(SourceFiles.sources.count > 50)
        #expect(SourceFiles.tests.contains { $0.path == "Tests/TidyTests/TidyTests.swift" })
    }

    /// Imports and banned calls: the rules stand in `.ci/lint`, which needs no build.
    @Test func theRulesOfLintHold() throws {
        let lint = Process()
        lint.executableURL = SourceFiles.root.appendingPathComponent(".ci/lint")
        lint.arguments = ["--rules"]
        let complaints = Pipe()
        lint.standardError = complaints
        lint.standardOutput = FileHandle.nullDevice
        try lint.run()
        let text = String(decoding: complaints.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        lint.waitUntilExit()
        #expect(lint.terminationStatus == 0, "\(text)")
    }

    @Test func noPointerInAPublicSignature() throws {
        let found = try hits(
            "^[^{]*\\b(public|open)\\b[^{]*\\b(OpaquePointer|Unsafe\\w*Pointer\\w*|rd_kafka_\\w+|sqlite3\\w*|MHD_\\w+)\\b",
            in: SourceFiles.sources)
        #expect(found == [], "lend a RawSpan or copy into a Swift value")
    }

    /// A ratchet: a file in this list may shrink, none may join it.
    private static let longFiles: [String: Int] = [:]
    private static let lineLimit = 400

    @Test func filesAreShort() {
        for file in SourceFiles.sources {
            let limit = TidyTests.longFiles[file.path] ?? TidyTests.lineLimit
            #expect(file.lines.count <= limit, "\(file.path): one idea per file, split it")
        }
    }

    @Test func everyFileSaysWhatItIsFor() {
        let silent = (SourceFiles.sources + SourceFiles.tests).filter { file in
            // The formatter may put an import above the comment.
            let first = file.lines.first { !$0.isEmpty && !$0.contains("import ") }
            return first?.hasPrefix("//") != true
        }
        #expect(silent.map(\.path) == [], "begin with a comment that says what the file is for")
    }

    @Test func uncheckedSendableHasAReason() {
        for file in SourceFiles.sources {
            for (number, line) in file.lines.enumerated() where line.contains("@unchecked Sendable") {
                if line.trimmingCharacters(in: .whitespaces).hasPrefix("//") { continue }
                let around = file.lines[max(0, number - 4)...number].joined(separator: "\n")
                #expect(around.contains("//"), "\(file.path):\(number + 1): say in a comment why it is safe")
            }
        }
    }

    /// The general modules serve other systems as well; only Sources/Bookstore and the executable know this one.
    @Test func onlyTheBookstoreKnowsBooks() {
        let general: Set = [
            "Platform", "Wire", "Contract", "Kafka", "SQLite", "Ingress", "Broker", "Worker", "Gateway", "Operations",
            "Drills",
        ]
        // "order" and "delivery" alone are words of English and of Kafka; these are not.
        let words: Set = [
            "book", "books", "bookstore", "customer", "customers", "orders", "inventory", "deliverable", "deliverables",
            "stock", "isbn",
        ]
        let joined: Set = ["orderid", "deliveryid", "ordered", "mypage", "preparedelivery", "deliveryprepared"]
        for file in SourceFiles.sources where general.contains(file.module) {
            for (number, line) in file.code.enumerated() {
                for identifier in line.split(whereSeparator: { !$0.isLetter }) {
                    let known = SwiftWords.parts(of: identifier).first { words.contains($0) }
                    let found = known ?? (joined.contains(identifier.lowercased()) ? String(identifier) : nil)
                    #expect(found == nil, "\(file.path):\(number + 1) speaks of '\(found ?? "")'")
                }
            }
        }
    }
}

enum SwiftWords {
    /// `bookIDs` → book, ids.
    static func parts(of identifier: Substring) -> [String] {
        var parts: [String] = []
        var wasUpper = true
        for character in identifier {
            if parts.isEmpty || (character.isUppercase && !wasUpper) { parts.append("") }
            wasUpper = character.isUppercase
            parts[parts.count - 1] += character.lowercased()
        }
        return parts
    }
}
