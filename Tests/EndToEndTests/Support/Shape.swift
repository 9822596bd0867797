// What the same test text is run on.
import Foundation
import Testing

struct Shape: Sendable, CustomTestStringConvertible, Hashable {
    enum Broker: String, Sendable { case embedded, kafka }

    let broker: Broker
    /// Two processes of order and of bookinventory from the start.
    let isDoubled: Bool

    static let kafkaHome = ProcessInfo.processInfo.environment["KAFKA_HOME"].flatMap { $0.isEmpty ? nil : $0 }

    /// The embedded broker always, Apache Kafka where there is one, and each test once with doubled services.
    static let all = [
        Shape(broker: .embedded, isDoubled: false),
        Shape(broker: kafkaHome == nil ? .embedded : .kafka, isDoubled: true),
    ]

    var replicas: String? { isDoubled ? "order=2,bookinventory=2" : nil }
    var testDescription: String { "\(broker.rawValue)\(isDoubled ? ", two of order and bookinventory" : "")" }
}
