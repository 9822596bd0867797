// The properties of an Apache Kafka for one machine: one node that is broker and controller, everything once, nothing
// created by accident, no waiting for other brokers. The tests start theirs with the same.
package enum KRaftProperties {
    package static func text(broker: Address, controller: Address, data: String) -> String {
        """
        process.roles=broker,controller
        node.id=1
        controller.listener.names=CONTROLLER
        listeners=PLAINTEXT://\(broker),CONTROLLER://\(controller)
        advertised.listeners=PLAINTEXT://\(broker),CONTROLLER://\(controller)
        listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
        inter.broker.listener.name=PLAINTEXT
        controller.quorum.bootstrap.servers=\(controller)
        log.dirs=\(data)/log
        auto.create.topics.enable=false
        offsets.topic.replication.factor=1
        offsets.topic.num.partitions=4
        transaction.state.log.replication.factor=1
        transaction.state.log.min.isr=1
        transaction.state.log.num.partitions=4
        share.coordinator.state.topic.replication.factor=1
        share.coordinator.state.topic.min.isr=1
        group.initial.rebalance.delay.ms=0
        group.min.session.timeout.ms=1000
        transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
        log.cleaner.dedupe.buffer.size=16777216

        """
    }
}
