// A text that never changes while the process runs: made when it is first asked for, then served from memory.
import Contract
import Ingress
import Synchronization

final class Document: Sendable {
    let path: String
    private let headers: [(name: String, value: String)]
    private let make: @Sendable () -> [UInt8]
    private let made = Mutex<[UInt8]?>(nil)

    init(
        _ path: String, type: String, headers: [(name: String, value: String)] = [],
        _ make: @escaping @Sendable () -> [UInt8]
    ) {
        self.path = path
        self.headers = [(name: "Content-Type", value: type)] + headers
        self.make = make
    }

    var response: HTTPResponse {
        let body = made.withLock { made in
            let body = made ?? make()
            made = body
            return body
        }
        return HTTPResponse(status: 200, headers: headers, body: body)
    }

    /// The descriptions of the surface, for programs and for people.
    static func all(
        system: SystemContract, services: [ServiceContract], local: [LocalRoute], options: EdgeOptions
    ) -> [Document] {
        let openAPI = Document(OpenAPI.path, type: "application/json") {
            OpenAPI.document(system: system, services: services, local: local, options: options).bytes
        }
        let asyncAPI = Document(AsyncAPI.path, type: "application/json") {
            AsyncAPI.document(system: system).bytes
        }
        let page = Document(DocsPage.path, type: "text/html; charset=utf-8", headers: DocsPage.headers) {
            DocsPage(
                OpenAPI.document(system: system, services: services, local: local, options: options),
                authority: options.authority
            ).bytes
        }
        return [openAPI, asyncAPI, page]
    }
}
