// Which member, in which generation of a group, sends offsets: what the broker fences by (KIP-447).

internal import CRdKafka

@safe public final class GroupMetadata {
    let pointer: OpaquePointer

    /// Takes the C object over.
    init(consuming pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    deinit { unsafe rd_kafka_consumer_group_metadata_destroy(pointer) }
}
