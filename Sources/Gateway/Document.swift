// A text that never changes while the process runs: made once, served from memory.
import Contract
import Ingress

struct Document: Sendable {
    let path: String
    let summary: String
    let response: HTTPResponse

    init(_ path: String, _ summary: String, type: String, body: [UInt8], headers: [(name: String, value: String)] = [])
    {
        self.path = path
        self.summary = summary
        response = HTTPResponse(status: 200, headers: [(name: "Content-Type", value: type)] + headers, body: body)
    }

    /// The descriptions of the surface, for programs and for people.
    static func all(
        system: SystemContract, services: [ServiceContract], local: [LocalRoute], options: EdgeOptions
    ) -> [Document] {
        []
    }
}
