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

    @Test(arguments: [("CRdKafka", "Kafka"), ("CSQLite", "SQLite"), ("CMicroHTTPD", "Ingress")])
    func aCLibraryHasOneImporter(library: String, module: String) throws {
        let others = (SourceFiles.sources + SourceFiles.tests).filter {
            $0.path.hasPrefix("Tests") || $0.module != module
        }
        let found = try hits("import\\s+(\\w+\\s+)?\(library)\\b", in: others)
        #expect(found == [], "use the wrapper in Sources/\(module)")
        // `public import` would hand the C names on to everybody.
        #expect(try hits("(public|@_exported)\\s+import\\s+\(library)\\b", in: SourceFiles.sources) == [])
    }

    @Test func noFoundationInTheSources() throws {
        let found = try hits("import\\s+(\\w+\\s+)?Foundation", in: SourceFiles.sources)
        #expect(found == [], "Glibc, Synchronization, Platform and Wire have what is needed")
    }

    @Test func nothingTrapsOnWhatComesIn() throws {
        let found = try hits("\\btry!|\\bas!|\\bfatalError\\(|\\bpreconditionFailure\\(", in: SourceFiles.sources)
        #expect(found == [], "throw an error instead")
    }

    @Test func nothingIsLeftForLater() throws {
        let marks = SourceFiles.sources.flatMap { file in
            file.lines.enumerated().filter { $0.element.contains("TO" + "DO") || $0.element.contains("FIX" + "ME") }
                .map { "\(file.path):\($0.offset + 1)" }
        }
        #expect(marks == [], "do it now or open an issue")
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
