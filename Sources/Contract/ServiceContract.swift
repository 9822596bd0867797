// What a service promises to the others: resources, operations, events. The gateway's routes, the OpenAPI and AsyncAPI
// documents and the callers are all made from these values.
public import Wire

/// A path that is no resource: a question answered in text.
public struct Operation: Sendable {
    public enum Placement: Sendable, Equatable {
        /// The shard of the id in this query parameter; an id that is none goes to shard 0.
        case queryParameter(String)
        /// The shard of the id that ends the path.
        case pathID
        /// Any shard.
        case anywhere
    }

    /// `/orderService/verifyCustomer/{customerId}`
    public let path: String
    public let parameters: [Parameter]
    public let placement: Placement
    public let summary: String
    public let segments: [String]

    public struct Parameter: Sendable {
        public let name: String
        public let summary: String
        public init(_ name: String, _ summary: String) {
            self.name = name
            self.summary = summary
        }
    }

    public init(_ path: String, parameters: [Parameter] = [], placement: Placement, _ summary: String) {
        self.path = path
        segments = path.split(separator: "/").map(String.init)
        self.parameters = parameters
        self.placement = placement
        self.summary = summary
    }

    /// Whether the segments of a request lead here.
    public func matches(_ request: [String]) -> Bool {
        let own = segments
        return own.count == request.count && zip(own, request).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}

public struct ServiceContract: Sendable {
    /// `order`: the name of the process, of its consumer group and in its topics.
    public let name: String
    public let resources: [Resource]
    public let operations: [Operation]
    /// What it publishes.
    public let events: [MessageSchema]
    /// The types of the events it reacts to.
    public let policies: [String]
    public let summary: String
    /// Also answers HTTP itself, on this port by default, for its own resources.
    public let ownPort: UInt16?

    public init(
        _ name: String, resources: [Resource], operations: [Operation] = [], events: [MessageSchema] = [],
        policies: [String] = [], ownPort: UInt16? = nil, _ summary: String
    ) {
        self.name = name
        self.resources = resources
        self.operations = operations
        self.events = events
        self.policies = policies
        self.ownPort = ownPort
        self.summary = summary
    }
}

public struct SystemContract: Sendable {
    /// `cnabookstore`: the topic of the events, and the beginning of the other topics' names.
    public let name: String
    public let title: String
    public let services: [ServiceContract]
    public let summary: String

    public init(_ name: String, title: String, services: [ServiceContract], _ summary: String) {
        self.name = name
        self.title = title
        self.services = services
        self.summary = summary
    }

    public var topics: Topics { Topics(system: name) }
    public func service(_ name: String) -> ServiceContract? { services.first { $0.name == name } }
}
