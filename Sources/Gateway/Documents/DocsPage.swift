// The OpenAPI document as a page for people: no script, no other host, readable in light and dark, by keyboard too.
import Wire

struct DocsPage {
    static let path = "/docs"
    /// The page needs nothing but itself, and says so.
    static let headers = [
        (name: "Content-Security-Policy", value: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"),
        (name: "X-Content-Type-Options", value: "nosniff"), (name: "Referrer-Policy", value: "no-referrer"),
    ]

    private let document: JSON
    /// The host in the lines to try.
    private let authority: String
    private var html = ""

    init(_ document: JSONObject, authority: String) {
        self.document = .object(document)
        self.authority = authority
        write()
    }

    var bytes: [UInt8] { Array(html.utf8) }

    private struct Entry {
        let method: String
        let path: String
        let operation: JSON
        let shared: [JSON]
    }

    private mutating func write() {
        let title = escaped(document["info"]["title"].string ?? "")
        html += """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title): HTTP interface</title>
            <style>\(DocsStyle.text)</style>
            </head>
            <body>
            <a class="skip" href="#main">Skip to the content</a>

            """
        let entries = entries
        writeNavigation(entries)
        html += "<main id=\"main\">\n<h1>\(title)</h1>\n"
        for paragraph in (document["info"]["description"].string ?? "").split(separator: "\n") {
            html += "<p>\(code(String(paragraph)))</p>\n"
        }
        html += """
            <p>For programs: <a href="/openapi.json">openapi.json</a> describes what is on this page,
            <a href="/asyncapi.json">asyncapi.json</a> the events.</p>

            """
        for tag in document["tags"].array ?? [] { writeSection(tag, entries) }
        writeSchemas()
        html += "</main>\n</body>\n</html>\n"
    }

    private var entries: [Entry] {
        (document["paths"].object?.members ?? []).flatMap { path, item in
            (item.object?.members ?? []).filter { $0.name != "parameters" }.map {
                Entry(method: $0.name, path: path, operation: $0.value, shared: item["parameters"].array ?? [])
            }
        }
    }

    private func entries(of tag: String, _ entries: [Entry]) -> [Entry] {
        entries.filter { $0.operation["tags"].array?.first?.string == tag }
    }

    private mutating func writeNavigation(_ all: [Entry]) {
        html += "<nav aria-label=\"Contents\">\n"
        for tag in document["tags"].array ?? [] {
            let name = tag["name"].string ?? ""
            html += "<h2><a href=\"#tag-\(escaped(name))\">\(escaped(name))</a></h2>\n<ul>\n"
            for entry in entries(of: name, all) {
                html += """
                    <li><a href="#\(identifier(entry))"><span class="method \(entry.method)">\(entry.method.uppercased())\
                    </span> \(escaped(entry.path))</a></li>

                    """
            }
            html += "</ul>\n"
        }
        html += "<h2><a href=\"#schemas\">Schemas</a></h2>\n</nav>\n"
    }

    private mutating func writeSection(_ tag: JSON, _ all: [Entry]) {
        let name = tag["name"].string ?? ""
        html +=
            "<section aria-labelledby=\"tag-\(escaped(name))\">\n<h2 id=\"tag-\(escaped(name))\">\(escaped(name))</h2>\n"
        html += "<p>\(code(tag["description"].string ?? ""))</p>\n"
        for entry in entries(of: name, all) { write(entry) }
        html += "</section>\n"
    }

    private mutating func write(_ entry: Entry) {
        html += """
            <details id="\(identifier(entry))">
            <summary><span class="method \(entry.method)">\(entry.method.uppercased())</span> \
            <code>\(escaped(entry.path))</code> <span class="what">\(code(entry.operation["summary"].string ?? ""))</span></summary>
            <div class="body">

            """
        let parameters = (entry.shared + (entry.operation["parameters"].array ?? [])).map(resolved)
        html += "<pre tabindex=\"0\" aria-label=\"Example\">\(escaped(example(entry, parameters)))</pre>\n"
        if !parameters.isEmpty {
            writeTable(
                "Parameters", ["Name", "In", "Holds", "Meaning"],
                parameters.map { parameter in
                    [
                        nameCell(parameter["name"].string ?? "", isRequired: parameter["required"].bool == true),
                        escaped(parameter["in"].string ?? ""), type(parameter["schema"]),
                        code(parameter["description"].string ?? ""),
                    ]
                })
        }
        if let content = entry.operation["requestBody"]["content"].object?.members.first {
            html += "<h3>Body</h3>\n<p>\(type(content.value["schema"]))</p>\n"
            writeFields(resolved(content.value["schema"]), caption: "Fields of the body")
        }
        writeResponses(entry.operation["responses"].object?.members ?? [])
        html += "</div>\n</details>\n"
    }

    private mutating func writeResponses(_ responses: [(name: String, value: JSON)]) {
        writeTable(
            "Answers", ["Status", "Meaning", "Body", "Headers"],
            responses.map { name, value in
                let response = resolved(value)
                let content = response["content"].object?.members ?? []
                let own = (response["headers"].object?.names ?? []).filter { name in
                    !["X-Request-Id", "traceparent", "Vary"].contains(name)
                }
                return [
                    "<code>\(escaped(name == "default" ? "others" : name))</code>",
                    code(response["description"].string ?? ""),
                    content.first.map { type($0.value["schema"]) } ?? "",
                    own.map { "<code>\(escaped($0))</code>" }.joined(separator: ", "),
                ]
            })
    }

    private mutating func writeSchemas() {
        html += "<section aria-labelledby=\"schemas\">\n<h2 id=\"schemas\">Schemas</h2>\n"
        for (name, schema) in document["components"]["schemas"].object?.members ?? [] {
            html += "<article id=\"schema-\(escaped(name))\">\n<h3>\(escaped(name))</h3>\n"
            if let summary = schema["description"].string { html += "<p>\(code(summary))</p>\n" }
            if schema["properties"].object == nil {
                html += "<p>\(type(schema))</p>\n"
            } else {
                writeFields(schema, caption: "Fields of \(name)")
            }
            html += "</article>\n"
        }
        html += "</section>\n"
    }

    private mutating func writeFields(_ schema: JSON, caption: String) {
        guard let properties = schema["properties"].object, !properties.isEmpty else { return }
        let required = (schema["required"].array ?? []).compactMap(\.string)
        writeTable(
            caption, ["Name", "Holds", "Meaning"],
            properties.members.map { name, value in
                [
                    nameCell(name, isRequired: required.contains(name)), type(value),
                    code(value["description"].string ?? ""),
                ]
            })
    }

    private mutating func writeTable(_ caption: String, _ columns: [String], _ rows: [[String]]) {
        html += "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"\(escaped(caption))\">\n<table>\n"
        html += "<caption>\(escaped(caption))</caption>\n<thead><tr>"
        for column in columns { html += "<th scope=\"col\">\(column)</th>" }
        html += "</tr></thead>\n<tbody>\n"
        for row in rows { html += "<tr>" + row.map { "<td>\($0)</td>" }.joined() + "</tr>\n" }
        html += "</tbody>\n</table>\n</div>\n"
    }

    private func identifier(_ entry: Entry) -> String { escaped(entry.operation["operationId"].string ?? "") }

    private func nameCell(_ name: String, isRequired: Bool) -> String {
        "<code>\(escaped(name))</code>" + (isRequired ? " <span class=\"required\">required</span>" : "")
    }

    private func resolved(_ value: JSON) -> JSON {
        guard let reference = value["$ref"].string else { return value }
        return reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] }
    }

    /// A schema in a few words.
    private func type(_ schema: JSON) -> String {
        if let reference = schema["$ref"].string, let name = reference.split(separator: "/").last {
            return "<a href=\"#schema-\(escaped(String(name)))\">\(escaped(String(name)))</a>"
        }
        let types = schema["type"].string.map { [$0] } ?? (schema["type"].array ?? []).compactMap(\.string)
        if types == ["array"] { return "list of " + type(schema["items"]) }
        if let values = schema["enum"].array {
            return values.map { "<code>\(escaped($0.string ?? $0.text))</code>" }.joined(separator: " or ")
        }
        var text = types.joined(separator: " or ")
        switch (schema["minimum"].integer, schema["maximum"].integer) {
        case (let least?, let most?) where most < Int64.max: text += ", \(least) to \(most)"
        case (let least?, _): text += ", at least \(least)"
        default: break
        }
        if let most = schema["maxLength"].integer { text += ", at most \(most) characters" }
        return escaped(text.isEmpty ? "anything" : text)
    }

    /// A line to try.
    private func example(_ entry: Entry, _ parameters: [JSON]) -> String {
        var path = ""
        var rest = entry.path[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            path += rest[..<open] + "1"
            rest = rest[rest.index(after: close)...]
        }
        path += rest
        var line = "curl -i"
        if entry.method != "get" { line += " -X \(entry.method.uppercased())" }
        let query = parameters.filter { $0["in"] == "query" && $0["required"] == true }
            .map { "\($0["name"].string ?? "")=1" }.joined(separator: "&")
        let url = "http://\(authority)\(path)"
        line += query.isEmpty ? " \(url)" : " '\(url)?\(query)'"
        if let content = entry.operation["requestBody"]["content"].object?.members.first {
            line +=
                " \\\n  -H 'Content-Type: application/json' \\\n  -d '\(sample(resolved(content.value["schema"])).text)'"
        }
        return line
    }

    private func sample(_ schema: JSON) -> JSON {
        let members = (schema["properties"].object?.members ?? []).map { name, field -> (String, JSON) in
            let types = field["type"].string.map { [$0] } ?? (field["type"].array ?? []).compactMap(\.string)
            switch types.first {
            case "integer": return (name, .integer(max(1, field["minimum"].integer ?? 1)))
            case "boolean": return (name, true)
            default: return (name, .string(name))
            }
        }
        return .object(JSONObject(members))
    }

    private func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { special.contains($0) }) else { return text }
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    private let special = Array("&<>\"".utf8)

    /// Text whose `quoted` parts are code.
    private func code(_ text: String) -> String {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .map { place, part in place % 2 == 1 ? "<code>\(escaped(String(part)))</code>" : escaped(String(part)) }
            .joined()
    }
}
