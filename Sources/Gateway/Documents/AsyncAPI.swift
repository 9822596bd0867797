// The AsyncAPI 3.0 document of a system: the topic of its events, who publishes them and who reacts.
public import Contract
public import Wire

public enum AsyncAPI {
    static let path = "/asyncapi.json"

    public static func document(system: SystemContract) -> JSONObject {
        let events = events(system)
        return [
            "asyncapi": "3.0.0",
            "info": ["title": .string(system.title), "version": "1.0.0", "description": .string(system.summary)],
            "defaultContentType": "application/json",
            "servers": [
                "kafka": [
                    "host": "{bootstrap}", "protocol": "kafka", "description": "The broker of KAFKA_BOOTSTRAP",
                    "variables": ["bootstrap": ["default": "127.0.0.1:9092"]],
                ]
            ],
            "channels": [
                "events": [
                    "address": .string(system.topics.events),
                    "title": "Domain events",
                    "description":
                        "Facts that happened, each in the partition of the id it is about, in the order they happened there.",
                    "messages": .object(
                        JSONObject(events.map { ($0.type, ["$ref": .string("#/components/messages/\($0.type)")]) })),
                    "bindings": ["kafka": ["topic": .string(system.topics.events), "bindingVersion": "0.5.0"]],
                ]
            ],
            "operations": .object(
                JSONObject(system.services.flatMap { operations($0, known: Set(events.map(\.type))) })),
            "components": [
                "messages": .object(JSONObject(events.map { ($0.type, message($0)) })),
                "schemas": ["CloudEventHeaders": headers],
            ],
        ]
    }

    /// By type, the first to name one.
    private static func events(_ system: SystemContract) -> [MessageSchema] {
        var seen: Set<String> = []
        return system.services.flatMap(\.events).filter { seen.insert($0.type).inserted }
    }

    private static func operations(_ service: ServiceContract, known: Set<String>) -> [(String, JSON)] {
        let table = [
            ("Publishes", "send", service.events.map(\.type), "What \(service.name) says has happened"),
            ("ReactsTo", "receive", service.policies.filter(known.contains), "What \(service.name) acts upon"),
        ]
        return table.filter { !$0.2.isEmpty }.map { name, action, types, summary in
            (
                service.name + name,
                [
                    "action": .string(action), "channel": ["$ref": "#/channels/events"], "summary": .string(summary),
                    "messages": .array(types.map { ["$ref": .string("#/channels/events/messages/\($0)")] }),
                    "bindings": action == "receive"
                        ? [
                            "kafka": [
                                "groupId": ["type": "string", "const": .string(service.name)],
                                "bindingVersion": "0.5.0",
                            ]
                        ]
                        : [:],
                ]
            )
        }
    }

    private static func message(_ event: MessageSchema) -> JSON {
        let properties: [(String, JSON)] = [
            ("eventType", ["type": "string", "const": .string(event.type)]),
            (
                "timestamp",
                ["type": "string", "pattern": "^[0-9]{14}$", "description": "yyyyMMddHHmmss, UTC"]
            ),
        ]
        let fields = event.fields.map { ($0.name, $0.answerSchema) }
        return [
            "name": .string(event.type), "title": .string(event.type), "summary": .string(event.summary),
            "contentType": "application/json",
            "headers": ["$ref": "#/components/schemas/CloudEventHeaders"],
            "payload": Schema.object(
                properties + fields, required: ["eventType", "timestamp"] + event.fields.map(\.name)),
            "bindings": [
                "kafka": [
                    "key": ["type": "string", "description": "The id the event is about"], "bindingVersion": "0.5.0",
                ]
            ],
        ]
    }

    private static let headers: JSON = {
        let names: [(String, String)] = [
            ("ce_specversion", "1.0"), ("ce_id", "Unique and stable: the same when the event is read again"),
            ("ce_source", "The service that published it: `/order`"), ("ce_type", "The same as `eventType`"),
            ("ce_time", "When it happened, RFC 3339"), ("ce_subject", "The id it is about, as the key"),
            ("content-type", "application/json"),
            ("traceparent", "W3C Trace Context of the request that began it"),
            ("correlationid", "The saga it belongs to"), ("causationid", "The message that caused it"),
            ("for-service", "Only on one put back from the dead letters: the service it is for"),
        ]
        return Schema.object(
            names.map { ($0.0, ["type": "string", "description": .string($0.1)]) },
            required: ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"],
            "CloudEvents 1.0, Kafka binding, binary mode")
    }()
}
