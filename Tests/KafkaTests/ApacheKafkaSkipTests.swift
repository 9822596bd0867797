// Says by name that half of the brokers is missing, when it is.
import TestSupport
import Testing

@Suite struct ApacheKafkaSkipTests {
    @Test(.enabled(if: ApacheKafka.isAvailable, "Apache Kafka is not tested: KAFKA_HOME is not set"))
    func theWrappersWereTestedAgainstApacheKafka() {
        #expect(BrokerUnderTest.available.contains(.apacheKafka))
    }
}
