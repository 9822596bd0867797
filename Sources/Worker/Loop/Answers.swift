// Answers to writes, kept for a while in the shard: a repeat of a request is answered from here and never run again.
import SQLite
import Wire

struct Answers {
    let milliseconds: Int64
    let allowance: Int64
    let rowsMax: Int64
    private static let tidyMilliseconds: Int64 = 1_000
    /// More than a shard can answer in the time between.
    private static let removedAtOnce: Int64 = 5_000
    /// Nobody waits longer for an answer, whatever a deadline says.
    private static let millisecondsMax: Int64 = 86_400_000

    struct Kept {
        let fingerprint: Int64
        let reply: Reply
    }

    func find(_ id: String, in shard: Shard) throws -> Kept? {
        let row = try shard.store.first(
            "SELECT fingerprint, status, content_type, created, body FROM runtime_answers WHERE id = ?1", [.text(id)])
        guard let row else { return nil }
        return Kept(
            fingerprint: try row.integer("fingerprint"),
            reply: Reply(
                status: Int(try row.integer("status")), contentType: try row.text("content_type"),
                body: Array(try row.text("body").utf8), createdID: try row.integerOrNull("created")))
    }

    /// Kept for as long as a repeat may still be taken. Counted in the shard's age, which no clock that jumps can move.
    func keep(_ reply: Reply, for request: RequestMessage, in shard: Shard, nowMilliseconds: Int64) throws {
        let left = min(request.deadlineMilliseconds - nowMilliseconds, Self.millisecondsMax) + allowance
        let expires = shard.age + max(milliseconds, left)
        try shard.store.execute(
            """
            INSERT OR REPLACE INTO runtime_answers (id, fingerprint, status, content_type, created, body, expires)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """,
            [
                .text(request.id), .integer(request.fingerprint), .integer(Int64(reply.status)),
                .text(reply.contentType), reply.createdID.map(Value.integer) ?? .null,
                .text(String(decoding: reply.body, as: UTF8.self)), .integer(expires),
            ])
    }

    /// Now and then removes what is too old, a bite at a time, and the oldest if there are too many.
    func tidy(_ shard: Shard) throws {
        guard shard.age - shard.tidiedAtAge >= Self.tidyMilliseconds else { return }
        shard.tidiedAtAge = shard.age
        try shard.store.execute(
            """
            DELETE FROM runtime_answers WHERE id IN
            (SELECT id FROM runtime_answers WHERE expires < ?1 ORDER BY expires LIMIT ?2)
            """, [.integer(shard.age), .integer(Self.removedAtOnce)])
        let count = try shard.store.first("SELECT COUNT(*) AS n FROM runtime_answers")?.integer("n") ?? 0
        guard count > rowsMax else { return }
        try shard.store.execute(
            "DELETE FROM runtime_answers WHERE id IN (SELECT id FROM runtime_answers ORDER BY expires LIMIT ?1)",
            [.integer(count - rowsMax)])
    }
}
