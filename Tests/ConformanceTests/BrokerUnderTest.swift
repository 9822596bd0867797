// The two brokers every test here runs against, so that they can never drift apart.
import Foundation
import TestSupport
import Testing

enum BrokerUnderTest: String, CaseIterable, CustomTestStringConvertible {
    case embedded
    case apacheKafka

    /// Apache Kafka is there when KAFKA_HOME says where; `ConformanceGateTests` reports its absence by name.
    static var all: [BrokerUnderTest] { allCases.filter { $0 == .embedded || ApacheKafka.isAvailable } }

    var testDescription: String { rawValue }

    var bootstrap: String {
        get throws {
            switch self {
            case .embedded: try SharedEmbeddedBroker.shared.get().bootstrap
            case .apacheKafka: try ApacheKafka.shared.get().bootstrap
            }
        }
    }

    func client() throws -> RawClient { try RawClient(bootstrap: try bootstrap) }

    /// A topic of the test's own.
    func topic(partitions: Int32 = 1, configs: [String: String] = [:]) throws -> String {
        let name = unique("t")
        let client = try client()
        let code = try client.createTopic(name, partitions: partitions, configs: configs)
        guard code == 0 else { throw Failed("topic not created: error \(code)") }
        // Apache Kafka answers before every partition has its leader.
        for partition in 0..<partitions {
            try eventually(timeout: 20, "a leader of \(name)[\(partition)]") {
                try client.listOffset(name, partition, timestamp: -1).code == 0
            }
        }
        return name
    }
}

func unique(_ prefix: String) -> String { prefix + "-" + UUID().uuidString.lowercased().prefix(12) }

@Suite struct ConformanceGateTests {
    @Test(
        .enabled(if: ApacheKafka.isAvailable, "KAFKA_HOME is not set: the suite ran against the embedded broker only"))
    func theSuiteRunsAgainstApacheKafkaToo() throws {
        #expect(try BrokerUnderTest.apacheKafka.client().metadata([]).controller >= 0)
    }
}
