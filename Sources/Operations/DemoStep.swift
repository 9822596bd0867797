// A step of the walk-through, as data: what is sent, what must come back, what must become true, which events it causes.
import Contract
public import Wire

/// Texts may name what earlier steps remembered: `/orders/{order}`; a value that is only such a name, `"{order}"`,
/// becomes the remembered value with its type.
public struct DemoStep: Sendable {
    /// One HTTP request through the gateway.
    public struct Call: Sendable {
        let method: Method
        let path: String
        let body: JSONObject?

        public static func get(_ path: String) -> Call { Call(method: .get, path: path, body: nil) }
        public static func delete(_ path: String) -> Call { Call(method: .delete, path: path, body: nil) }
        public static func post(_ path: String, _ body: JSONObject) -> Call {
            Call(method: .post, path: path, body: body)
        }
        public static func patch(_ path: String, _ body: JSONObject) -> Call {
            Call(method: .patch, path: path, body: body)
        }
    }

    /// What a resource shows sooner or later.
    public struct Outcome: Sendable {
        let path: String
        let status: Int
        let fields: JSONObject

        /// The item at the path has these fields.
        public static func shows(_ path: String, _ fields: JSONObject) -> Outcome {
            Outcome(path: path, status: 200, fields: fields)
        }
        /// There is nothing at the path.
        public static func isGone(_ path: String) -> Outcome { Outcome(path: path, status: 404, fields: [:]) }
    }

    /// An event that must appear on the topic, with these fields among others.
    public struct Fact: Sendable {
        let type: String
        let fields: JSONObject
        public init(_ type: String, _ fields: JSONObject) {
            self.type = type
            self.fields = fields
        }
    }

    let title: String
    let call: Call
    let status: Int
    let answer: JSONObject
    let remember: [String: String]
    let outcomes: [Outcome]
    let events: [Fact]

    /// `remember` keeps fields of the answer by a name: `["order": "orderId"]`.
    public init(
        _ title: String, send call: Call, answers status: Int, with answer: JSONObject = [:],
        remember: [String: String] = [:], then outcomes: [Outcome] = [], events: [Fact] = []
    ) {
        self.title = title
        self.call = call
        self.status = status
        self.answer = answer
        self.remember = remember
        self.outcomes = outcomes
        self.events = events
    }
}
