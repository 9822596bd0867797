// Gathers what can be seen of a system from outside: every item of every resource, every event.
import Contract
import Kafka
import Operations
import Wire

struct Witness {
    private static let pageSize = 1_000

    let system: SystemContract
    let kafka: KafkaSettings

    func evidence(_ client: DrillClient, writes: [Write]) throws -> Evidence {
        var items: [String: [JSONObject]] = [:]
        for resource in system.services.flatMap(\.resources) where resource.actions.contains(.list) {
            items[resource.name] = try list(resource, client)
        }
        return Evidence(writes: writes, items: items, events: try events())
    }

    private func list(_ resource: Resource, _ client: DrillClient) throws -> [JSONObject] {
        var items: [JSONObject] = []
        while true {
            let page = items.count / Self.pageSize
            let path = "\(resource.collectionPath)?page=\(page)&size=\(Self.pageSize)"
            guard let (status, answer) = client.get(path), status == 200,
                let rows = answer.array ?? answer["_embedded"][resource.name].array
            else { throw Failure("GET \(path) gave no list") }
            items += rows.compactMap { row in
                guard var item = row.object else { return nil }
                // An item of HAL carries its id in the links at least; ours have it in the body as well.
                item["_links"] = nil
                return item
            }
            if rows.count < Self.pageSize { return items }
        }
    }

    private func events() throws -> [PublishedEvent] {
        try records(system.topics.events).compactMap { record in
            guard let fields = try? JSON(parsing: record.value ?? []).object else { return nil }
            return PublishedEvent(
                fields: fields, partition: record.partition, offset: record.offset,
                isPlanted: record.header(Vandal.header) != nil)
        }.sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
    }

    func deadLetters() throws -> [Record] { try records(system.topics.deadLetters) }

    private func records(_ topic: String) throws -> [Record] {
        let reader = try TopicReader([topic], from: .beginning, kafka: kafka)
        defer { reader.close() }
        return try reader.readBacklog()
    }
}
