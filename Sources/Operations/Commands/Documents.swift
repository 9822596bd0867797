// `openapi` and `asyncapi`: the documents the gateway serves, without a gateway.
import Gateway

enum Documents {
    static let commands = [
        Command(
            name: "openapi", summary: "Print the OpenAPI 3.1 document of the HTTP surface", example: "openapi"
        ) { call in
            let system = call.system.contract
            Terminal.print(OpenAPI.document(system: system, services: system.services).text)
            return 0
        },
        Command(
            name: "asyncapi", summary: "Print the AsyncAPI 3.0 document of the events", example: "asyncapi"
        ) { call in
            Terminal.print(AsyncAPI.document(system: call.system.contract).text)
            return 0
        },
    ]
}
