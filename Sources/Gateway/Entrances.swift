// The ways in for a client that knows nothing yet: the root, the profiles, and how lists can be narrowed.
import Contract
import Ingress
import Wire

extension Edge {
    /// `GET /`: all collections.
    func root(_ visit: Visit) throws(Problem) {
        try answerLinks(visit) { base in
            router.homes.map { home in
                let paging = home.resource.representation == .hal ? "{?page,size,sort}" : ""
                return (home.resource.name, HAL.link("\(base)/\(home.resource.name)\(paging)"))
            } + [("profile", HAL.link("\(base)/profile"))]
        }
    }

    /// `GET /profile`
    func profiles(_ visit: Visit) throws(Problem) {
        try answerLinks(visit) { base in
            [("self", HAL.link("\(base)/profile"))]
                + router.homes.map { ($0.resource.name, HAL.link("\(base)/profile/\($0.resource.name)")) }
        }
    }

    /// `GET /myPages/search`: a link for every field a list may be narrowed by.
    func searches(_ visit: Visit, _ home: ResourceHome) throws(Problem) {
        try answerLinks(visit) { base in
            let address = "\(base)/\(home.resource.name)"
            return home.resource.filters.map { name in
                let capital = name.prefix(1).uppercased() + name.dropFirst()
                return ("findBy\(capital)", HAL.link("\(address){?\(name),page,size,sort}"))
            } + [("self", HAL.link("\(address)/search"))]
        }
    }

    /// `GET /profile/books`: the fields, as an ALPS document names them.
    func profile(_ visit: Visit, _ home: ResourceHome) throws(Problem) {
        let address = "\(try LinkBase.of(visit.request, options))/profile/\(home.resource.name)"
        let fields = home.resource.fields.map { field -> JSON in
            var descriptor: JSONObject = ["name": .string(field.name), "type": "SEMANTIC"]
            if !field.summary.isEmpty { descriptor.append("doc", ["format": "TEXT", "value": .string(field.summary)]) }
            return .object(descriptor)
        }
        let name = "\(home.resource.item)-representation"
        let actions = home.resource.actions.map { action in
            JSON.object([
                "id": .string(Self.descriptor(of: action, home.resource)), "name": .string(home.resource.name),
                "type": .string(Self.safety(of: action)), "rt": .string("#\(name)"),
            ])
        }
        let body: JSON = [
            "alps": [
                "version": "1.0", "doc": ["format": "TEXT", "value": .string(home.resource.summary)],
                "descriptor": .array(
                    [["id": .string(name), "href": .string(address), "descriptor": .array(fields)]] + actions),
            ]
        ]
        visit.answer(
            HTTPResponse(status: 200, headers: [(name: "Content-Type", value: MediaType.alps)], body: body.bytes))
    }

    private func answerLinks(_ visit: Visit, _ links: (String) -> [(String, JSON)]) throws(Problem) {
        let type = try MediaType.negotiated(visit.request.header("Accept"), for: .hal)
        let base = try LinkBase.of(visit.request, options)
        visit.answer(
            HTTPResponse(
                status: 200, headers: [(name: "Content-Type", value: type)], body: HAL.links(links(base)).bytes))
    }

    private static func descriptor(of action: Resource.Action, _ resource: Resource) -> String {
        switch action {
        case .list: "get-\(resource.name)"
        case .read: "get-\(resource.item)"
        case .create: "create-\(resource.name)"
        case .replace: "update-\(resource.item)"
        case .change: "patch-\(resource.item)"
        case .remove: "delete-\(resource.item)"
        }
    }

    private static func safety(of action: Resource.Action) -> String {
        switch action {
        case .list, .read: "SAFE"
        case .create: "UNSAFE"
        case .replace, .change, .remove: "IDEMPOTENT"
        }
    }
}
