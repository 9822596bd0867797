// From a path to what lies there. Made once from the contracts; a request costs one look-up, however many routes.
import Contract

/// One kind of path, with everything about it that is the same for every request.
final class Route: Sendable {
    enum Target: Sendable {
        case root
        case profiles
        case profile(ResourceHome)
        case collection(ResourceHome)
        case item(ResourceHome)
        case searches(ResourceHome)
        case operation(Operation, service: String, turn: RoundRobin)
        case local(LocalRoute)
        case document(Document)
        case live, ready, metrics

        /// Whether it needs the services, and not this process alone.
        var asksShards: Bool {
            switch self {
            case .collection, .item, .operation: true
            case .root, .profiles, .profile, .searches, .local, .document, .live, .ready, .metrics: false
            }
        }
    }

    /// `/books/{bookId}`: what logs, metrics and documents call it.
    let template: String
    let methods: [Method]
    /// The same as the `Allow` header has it.
    let allow: String
    let target: Target
    let traffic = RouteTraffic()

    init(_ template: String, _ methods: [Method], _ target: Target) {
        self.template = template
        self.methods = methods
        self.allow = methods.map(\.rawValue).joined(separator: ", ")
        self.target = target
    }

    /// A path that is only read.
    convenience init(_ template: String, _ target: Target) { self.init(template, [.get, .head, .options], target) }

    /// Probes and scrapes are answered whatever the load: they tell about it.
    var isProbe: Bool {
        switch target {
        case .live, .ready, .metrics: true
        default: false
        }
    }
}

/// A resource, the service that keeps it, and whose turn it is to get the next new one.
final class ResourceHome: Sendable {
    let service: String
    let resource: Resource
    let turn = RoundRobin()

    init(service: String, resource: Resource) {
        self.service = service
        self.resource = resource
    }
}

struct Router: Sendable {
    /// What begins with one first segment.
    private struct Branch {
        var whole: Route?
        var item: Route?
        var longer: [(pattern: [String], route: Route)] = []
    }

    private var branches: [String: Branch] = [:]
    private let root: Route
    /// In the order of the contracts, for documents and metrics.
    private(set) var routes: [Route] = []
    private(set) var homes: [ResourceHome] = []
    /// Where requests are counted that lead nowhere.
    let unmatched = Route("unmatched", [], .root)

    /// Where two claim one path, the contract wins over the machinery and the first over the second.
    init(services: [ServiceContract], local: [LocalRoute], documents: [Document]) {
        root = Route("/", .root)
        for service in services {
            for resource in service.resources { add(ResourceHome(service: service.name, resource: resource)) }
            for operation in service.operations {
                add(Route(operation.path, .operation(operation, service: service.name, turn: RoundRobin())))
            }
        }
        for route in local { add(Route(route.path, .local(route))) }
        routes.append(root)
        add(Route("/profile", .profiles))
        for home in homes { add(Route("/profile/\(home.resource.name)", .profile(home))) }
        for document in documents { add(Route(document.path, .document(document))) }
        add(Route("/health/live", .live))
        add(Route("/health/ready", .ready))
        add(Route("/metrics", .metrics))
    }

    private mutating func add(_ home: ResourceHome) {
        let resource = home.resource
        homes.append(home)
        let collection = Route(resource.collectionPath, resource.collectionMethods, .collection(home))
        let item = Route("/\(resource.name)/{\(resource.idField)}", resource.itemMethods, .item(home))
        branches[resource.name, default: Branch()].whole = collection
        branches[resource.name, default: Branch()].item = item
        routes += [collection, item]
        if resource.hasSearches { add(Route("/\(resource.name)/search", .searches(home))) }
    }

    private mutating func add(_ route: Route) {
        let pattern = route.template.split(separator: "/").map(String.init)
        guard let first = pattern.first else { return }
        if pattern.count == 1 {
            guard branches[first, default: Branch()].whole == nil else { return }
            branches[first, default: Branch()].whole = route
        } else {
            branches[first, default: Branch()].longer.append((pattern: pattern, route: route))
        }
        routes.append(route)
    }

    func find(_ segments: [String]) -> Route? {
        guard let first = segments.first else { return root }
        guard let branch = branches[first] else { return nil }
        if segments.count == 1 { return branch.whole }
        for (pattern, route) in branch.longer where Self.matches(pattern, segments) { return route }
        return segments.count == 2 ? branch.item : nil
    }

    private static func matches(_ pattern: [String], _ segments: [String]) -> Bool {
        pattern.count == segments.count
            && zip(pattern, segments).allSatisfy { $0.hasPrefix("{") ? !$1.isEmpty : $0 == $1 }
    }
}

extension Resource {
    /// A list that can be narrowed says how under `search`.
    var hasSearches: Bool { representation == .hal && !filters.isEmpty }
}
