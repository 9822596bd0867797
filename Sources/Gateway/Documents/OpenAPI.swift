// The OpenAPI 3.1 document of an edge, made from the contracts it serves.
public import Contract
public import Wire

public enum OpenAPI {
    static let path = "/openapi.json"

    public static func document(
        system: SystemContract, services: [ServiceContract], local: [LocalRoute] = [],
        options: EdgeOptions = EdgeOptions()
    ) -> JSONObject {
        let resources = services.flatMap(\.resources)
        var paths = JSONObject()
        for resource in resources { OpenAPIResource(resource, options).add(to: &paths) }
        for service in services {
            for operation in service.operations {
                paths.append(operation.path, operationPath(operation, of: service.name))
            }
        }
        for route in local { paths.append(route.path, localPath(route)) }
        for (path, value) in machinery(resources) { paths.append(path, value) }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": .string(system.title), "version": "1.0.0", "description": .string(description(system)),
            ],
            "servers": [["url": "/"]],
            "tags": .array(tags(services)),
            "paths": .object(paths),
            "components": [
                "schemas": .object(JSONObject(OpenAPICommon.schemas + resources.flatMap(\.schemas))),
                "parameters": .object(OpenAPICommon.parameters(options)),
                "headers": .object(OpenAPICommon.headers),
                "responses": .object(OpenAPICommon.responses),
            ],
        ]
    }

    private static func description(_ system: SystemContract) -> String {
        """
        \(system.summary)

        Items and lists are HAL: `_links` say where things are. Every error is a problem as RFC 9457 has it. A number \
        may be sent as text, unknown fields are passed over, a trailing slash makes no difference. Every path also \
        answers HEAD and OPTIONS.
        """
    }

    private static func tags(_ services: [ServiceContract]) -> [JSON] {
        services.flatMap { service in
            service.resources.map { ["name": .string($0.name), "description": .string($0.summary)] }
                + (service.operations.isEmpty
                    ? []
                    : [
                        [
                            "name": .string(service.name),
                            "description": .string("Questions to the \(service.name) service"),
                        ]
                    ])
        } + [["name": "process", "description": "The process itself: entrances, health, descriptions"]]
    }

    private static func operationPath(_ operation: Operation, of service: String) -> JSON {
        let parameters = operation.parameters.map { parameter -> JSON in
            let isInPath = operation.path.contains("{\(parameter.name)}")
            // Contracts know no parameter that may be left out.
            return [
                "name": .string(parameter.name), "in": isInPath ? "path" : "query", "required": true,
                "description": .string(parameter.summary), "schema": ["type": "string"],
            ]
        }
        return [
            "get": [
                "operationId": .string(identifier(operation.path)), "tags": [.string(service)],
                "summary": .string(operation.summary),
                "parameters": .array(parameters + OpenAPICommon.everywhere),
                "responses": .object(
                    JSONObject(
                        [("200", OpenAPICommon.response("The answer", ["text/plain": ["type": "string"]]))]
                            + OpenAPICommon.problems(["400", "404", "429", "503", "504"]))),
            ]
        ]
    }

    private static func localPath(_ route: LocalRoute) -> JSON {
        get(route.path, route.summary, ["text/plain": ["type": "string"]], problems: ["429", "500"])
    }

    /// `/orderService/verifyCustomer/{customerId}` as `orderServiceVerifyCustomer`.
    static func identifier(_ path: String) -> String {
        let words = path.split { !$0.isLetter && !$0.isNumber }
        let names = path.split(separator: "/").filter { !$0.hasPrefix("{") }
            .flatMap { $0.split { !$0.isLetter && !$0.isNumber } }
        let used = names.isEmpty ? words : names
        guard let first = used.first else { return "root" }
        return first.prefix(1).lowercased() + first.dropFirst()
            + used.dropFirst().map { Schema.typeName(String($0)) }.joined()
    }

    private static func get(
        _ path: String, _ summary: String, _ content: JSONObject, problems: [String] = ["429"]
    ) -> JSON {
        [
            "get": [
                "operationId": .string(identifier(path)), "tags": ["process"], "summary": .string(summary),
                "parameters": .array(OpenAPICommon.everywhere),
                "responses": .object(
                    JSONObject(
                        [("200", OpenAPICommon.response(summary, content))] + OpenAPICommon.problems(problems))),
            ]
        ]
    }

    private static func machinery(_ resources: [Resource]) -> [(String, JSON)] {
        let links: JSONObject = [
            "application/hal+json": Schema.reference("Links"), "application/json": Schema.reference("Links"),
        ]
        let health: JSONObject = ["application/json": Schema.reference("Health")]
        let object: JSON = ["type": "object"]
        var paths = [
            ("/", get("/", "All collections", links, problems: ["400", "406", "429"])),
            ("/profile", get("/profile", "All profiles", links, problems: ["400", "406", "429"])),
        ]
        for resource in resources {
            let path = "/profile/\(resource.name)"
            let summary = "The fields of a \(resource.item), as ALPS"
            paths.append((path, get(path, summary, ["application/alps+json": object], problems: ["400", "429"])))
            guard resource.hasSearches else { continue }
            let search = "/\(resource.name)/search"
            let names = "How \(resource.name) can be narrowed"
            paths.append((search, get(search, names, links, problems: ["400", "406", "429"])))
        }
        return paths + [
            ("/health/live", get("/health/live", "The process runs", health, problems: [])),
            ("/health/ready", ready(health)),
            ("/metrics", get("/metrics", "Metrics for Prometheus", ["text/plain": ["type": "string"]], problems: [])),
            (path, get(path, "This document", ["application/json": object])),
            (AsyncAPI.path, get(AsyncAPI.path, "The events, as AsyncAPI", ["application/json": object])),
            (DocsPage.path, get(DocsPage.path, "This document for people", ["text/html": ["type": "string"]])),
        ]
    }

    private static func ready(_ health: JSONObject) -> JSON {
        [
            "get": [
                "operationId": "healthReady", "tags": ["process"], "summary": "The process takes requests",
                "parameters": .array(OpenAPICommon.everywhere),
                "responses": [
                    "200": OpenAPICommon.response("It does", health),
                    "503": OpenAPICommon.response("It does not, and why", health, headers: ["Retry-After"]),
                ],
            ]
        ]
    }
}
