// The client everyone has.
import Foundation
import Ingress
import TestSupport
import Testing

@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl"), "curl is not installed"))
struct CurlTests {
    private func curl(_ arguments: [String], input: [UInt8] = []) throws -> (status: String, body: String) {
        try withTemporaryDirectory { directory in
            let upload = directory + "/upload"
            try Data(input).write(to: URL(fileURLWithPath: upload))
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
            process.arguments =
                ["-s", "-m", "20", "-w", "\n%{http_code}"]
                + arguments.map {
                    $0.replacingOccurrences(of: "UPLOAD", with: upload)
                }
            let output = Pipe()
            process.standardOutput = output
            try process.runLeashed()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            var lines = text.components(separatedBy: "\n")
            let status = lines.removeLast()
            return (status, lines.joined(separator: "\n"))
        }
    }

    @Test func requests() throws {
        try withServer { server in
            let origin = "http://127.0.0.1:\(server.port)"
            let get = try curl(["\(origin)/books/1/?a=b"])
            #expect(get.status == "200")
            #expect(get.body.hasPrefix("GET /books/1/\nsegments [\"books\", \"1\"]\nquery a=b"))
            #expect(try curl(["-X", "DELETE", "\(origin)/x"]).body.hasPrefix("DELETE /x"))
            #expect(try curl(["-I", "\(origin)/x"]).body.contains("Content-Length: "))
            #expect(try curl(["--path-as-is", "\(origin)/a/../b"]).status == "400")
            #expect(try curl(["--http1.0", "\(origin)/x"]).status == "200")
        }
    }

    @Test func uploads() throws {
        try withServer { server in
            let origin = "http://127.0.0.1:\(server.port)/"
            let body = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0) }
            let expected = "body \(body.count) \(checksum(body))"
            #expect(try curl(["--data-binary", "@UPLOAD", origin], input: body).body.hasSuffix(expected))
            let chunked = try curl(["-T", "UPLOAD", "-H", "Transfer-Encoding: chunked", origin], input: body)
            #expect(chunked.body.hasSuffix(expected))
            for headers in [
                ["X-Nothing: 1"], ["Expect:"], ["Transfer-Encoding: chunked"],
                ["Expect:", "Transfer-Encoding: chunked"],
            ] {
                let arguments = headers.flatMap { ["-H", $0] } + ["-T", "UPLOAD", origin]
                let answer = try curl(arguments, input: body + body)
                #expect(answer.status == "413")
                #expect(answer.body.contains("Content Too Large"))
            }
        }
    }
}
