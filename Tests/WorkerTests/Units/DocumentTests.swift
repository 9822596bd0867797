// docs/worker.md teaches with the counter service: what it shows must be what the tests run.
import Foundation
import Testing

@Suite struct DocumentTests {
    @Test func theDocumentShowsTheServiceThatIsTested() throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let code = try String(contentsOf: tests.appending(path: "Counter/CounterService.swift"), encoding: .utf8)
        let document = try String(
            contentsOf: tests.deletingLastPathComponent().appending(path: "docs/worker.md"), encoding: .utf8)
        #expect(
            document.contains("```swift\n" + code + "```"),
            "copy Tests/Counter/CounterService.swift into docs/worker.md")
        #expect(code.split(separator: "\n", omittingEmptySubsequences: false).count <= 81)
    }
}
