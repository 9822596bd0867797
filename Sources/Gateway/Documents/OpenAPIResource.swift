// The paths of one resource: its list and its items, with every method the contract allows.
import Contract
import Wire

struct OpenAPIResource {
    private let resource: Resource
    private let options: EdgeOptions

    init(_ resource: Resource, _ options: EdgeOptions) {
        self.resource = resource
        self.options = options
    }

    func add(to paths: inout JSONObject) {
        var collection = JSONObject()
        if resource.actions.contains(.list) { collection.append("get", list) }
        if resource.actions.contains(.create) { collection.append("post", create) }
        if !collection.isEmpty { paths.append(resource.collectionPath, .object(collection)) }
        var item = JSONObject()
        for (action, method, operation) in [
            (Resource.Action.read, "get", read), (.replace, "put", replace), (.change, "patch", change),
            (.remove, "delete", remove),
        ] where resource.actions.contains(action) { item.append(method, operation) }
        guard !item.isEmpty else { return }
        item.append("parameters", [idParameter])
        paths.append("\(resource.collectionPath)/{\(resource.idField)}", .object(item))
    }

    private var idParameter: JSON {
        [
            "name": .string(resource.idField), "in": "path", "required": true,
            "description": .string("Which \(resource.item)"),
            "schema": ["type": "integer", "format": "int64", "minimum": 1],
        ]
    }

    private var list: JSON {
        let order: JSON = [
            "name": "sort", "in": "query", "style": "form", "explode": true,
            "description": "`field` or `field,desc`, several times; by id where all else is equal",
            "schema": ["type": "array", "items": ["type": "string"]],
        ]
        let filters = resource.filters.compactMap { resource.field($0) }.map { field -> JSON in
            [
                "name": .string(field.name), "in": "query",
                "description": .string("Only those with this \(field.name)"),
                "schema": field.filterSchema,
            ]
        }
        let parameters =
            [reference("Page"), reference("Size"), order] + filters + [reference("After"), reference("Prefer")]
        return operation(
            "list\(Schema.typeName(resource.name))", "A page of \(resource.name)", parameters,
            [
                (
                    "200",
                    response(
                        "The page", Schema.reference("\(resource.typeName)List"), headers: ["Preference-Applied"])
                )
            ],
            problems: ["400", "404", "406"])
    }

    private var read: JSON {
        operation(
            "read\(resource.typeName)", "One \(resource.item)",
            [reference("IfNoneMatch"), reference("After"), reference("Prefer")],
            [
                ("200", response("The \(resource.item)", item, headers: ["ETag", "Preference-Applied"])),
                ("304", OpenAPICommon.response("The client has this version", [:], headers: ["ETag"])),
            ], problems: ["400", "404", "406"])
    }

    private var create: JSON {
        let headers = resource.statusOfCreation == 201 ? ["ETag", "Location"] : ["ETag"]
        var made = response("The new \(resource.item)", item, headers: headers).object ?? [:]
        if resource.actions.contains(.read) {
            made.append(
                "links",
                [
                    "read": [
                        "operationId": .string("read\(resource.typeName)"),
                        "parameters": .object([resource.idField: .string("$response.body#/\(resource.idField)")]),
                    ]
                ])
        }
        return operation(
            "create\(resource.typeName)", "Makes a \(resource.item)", [reference("IdempotencyKey")],
            [(String(resource.statusOfCreation), .object(made))],
            problems: ["400", "404", "406", "409", "411", "413", "415", "422"], body: "\(resource.typeName)Input")
    }

    private var replace: JSON {
        operation(
            "replace\(resource.typeName)", "Replaces a \(resource.item)",
            [reference("IfMatch"), reference("IdempotencyKey")],
            [("200", response("The \(resource.item) as it is now", item, headers: ["ETag", "Location"]))],
            problems: ["400", "404", "406", "409", "411", "412", "413", "415", "422"], body: "\(resource.typeName)Input"
        )
    }

    private var change: JSON {
        operation(
            "change\(resource.typeName)", "Changes some fields of a \(resource.item)",
            [reference("IfMatch"), reference("IdempotencyKey")],
            [("200", response("The \(resource.item) as it is now", item, headers: ["ETag"]))],
            problems: ["400", "404", "406", "409", "411", "412", "413", "415", "422"],
            body: "\(resource.typeName)Change",
            types: ["application/json", "application/merge-patch+json"])
    }

    private var remove: JSON {
        operation(
            "remove\(resource.typeName)", "Removes a \(resource.item)",
            [reference("IfMatch"), reference("IdempotencyKey")],
            [("204", OpenAPICommon.response("It is gone", [:]))], problems: ["400", "404", "406", "409", "412", "422"])
    }

    private var item: JSON { Schema.reference(resource.typeName) }

    private func reference(_ name: String) -> JSON { OpenAPICommon.parameterReference(name) }

    private func response(_ summary: String, _ schema: JSON, headers: [String] = []) -> JSON {
        let types =
            resource.representation == .hal ? ["application/hal+json", "application/json"] : ["application/json"]
        return OpenAPICommon.response(summary, JSONObject(types.map { ($0, schema) }), headers: headers)
    }

    private func operation(
        _ identifier: String, _ summary: String, _ parameters: [JSON], _ responses: [(String, JSON)],
        problems: [String], body: String? = nil, types: [String] = ["application/json"]
    ) -> JSON {
        var operation: JSONObject = [
            "operationId": .string(identifier), "tags": [.string(resource.name)], "summary": .string(summary),
            "parameters": .array(parameters + OpenAPICommon.everywhere),
        ]
        if let body {
            let content = types.map { ($0, JSON.object(["schema": Schema.reference(body)])) }
            operation.append("requestBody", ["required": true, "content": .object(JSONObject(content))])
        }
        operation.append(
            "responses",
            .object(JSONObject(responses + OpenAPICommon.problems(problems + ["429", "500", "503", "504"]))))
        return .object(operation)
    }
}
