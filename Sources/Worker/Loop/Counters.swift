// What a worker counts, for `S.telemetry` and, through it, for /metrics.
import Wire

struct Counters {
    var requests: Int64 = 0
    var queries: Int64 = 0
    var events: Int64 = 0
    var commands: Int64 = 0
    var eventsIgnored: Int64 = 0
    var recordsRepeated: Int64 = 0
    var requestsExpired: Int64 = 0
    var answersRepeated: Int64 = 0
    var deadLetters: Int64 = 0
    var transactions: Int64 = 0
    var transactionMicroseconds: Int64 = 0
    var transactionRecords: Int64 = 0
    var batches: Int64 = 0
    var batchRecords: Int64 = 0
    var restores: Int64 = 0
    var rowsRestored: Int64 = 0
    var stateRecordsSkipped: Int64 = 0
    var parked: Int64 = 0
    var callsInFlight: Int64 = 0
    var callsRepeated: Int64 = 0

    /// Names as Prometheus has them; the prefix and labels are the gateway's business.
    var counters: JSONObject {
        [
            "requests_total": .integer(requests), "queries_total": .integer(queries),
            "events_total": .integer(events), "commands_total": .integer(commands),
            "events_ignored_total": .integer(eventsIgnored), "records_repeated_total": .integer(recordsRepeated),
            "requests_expired_total": .integer(requestsExpired), "answers_repeated_total": .integer(answersRepeated),
            "dead_letters_total": .integer(deadLetters), "transactions_total": .integer(transactions),
            "transaction_microseconds_total": .integer(transactionMicroseconds),
            "transaction_records_total": .integer(transactionRecords),
            "batches_total": .integer(batches), "batch_records_total": .integer(batchRecords),
            "restores_total": .integer(restores), "rows_restored_total": .integer(rowsRestored),
            "state_records_skipped_total": .integer(stateRecordsSkipped),
            "calls_repeated_total": .integer(callsRepeated),
        ]
    }

    var gauges: JSONObject { ["parked": .integer(parked), "calls_in_flight": .integer(callsInFlight)] }
}
