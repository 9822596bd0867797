// The runtime's own tables in a shard's file. They are rows like any other: carried by the state topic, so that a
// restored file equals the lost one. Only `runtime_local` stays where it is: it describes this very file.
// They are strict about types, since a restore takes rows that anybody may have written.
import Kafka
import SQLite
import Wire

enum ShardSchema {
    static let local = "runtime_local"

    /// A row of the sequences that no sequence has: the number of shards the ids were given out for.
    static let shardCountRow = "runtime:shards"

    /// Ids say which shard they belong to only as long as the number of shards stays.
    static func check(shardCount: Int64?, partitions: Int32) throws {
        guard let shardCount, shardCount != Int64(partitions) else { return }
        throw FatalError(
            "the state of this service was built with \(shardCount) shards, its topics now have \(partitions) partitions: "
                + "ids would change their owners. Give the topics \(shardCount) partitions again, or use new topics")
    }

    /// A restore puts rows back one by one, each as it was last, in the order of their last changes: a parent may come after
    /// its child, and replacing it would take the child away; a trigger would do once more what the log says already.
    static func checkRestorable(_ store: Connection) throws {
        let trigger = try store.first("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'")
        if let trigger {
            throw FatalError(
                "table '\(try trigger.text("tbl_name"))' has the trigger '\(try trigger.text("name"))', which a restore "
                    + "would run a second time: write what it does into the rules (docs/worker.md)")
        }
        for table in try store.tableNames()
        where try store.first("SELECT 1 FROM pragma_foreign_key_list(?1)", [.text(table)]) != nil {
            throw FatalError(
                "table '\(table)' has a foreign key, but a restore may bring the child before its parent: leave the "
                    + "clause out, and let the rules see to it (docs/worker.md)")
        }
    }

    /// The number of shards, if this record of a state topic is the row that says it.
    static func shardCount(_ record: Record) -> Int64? {
        guard let row = try? StateRecords.read(record), row.table == "runtime_sequences",
            row.key == [.text(shardCountRow)]
        else { return nil }
        return row.columns?["last"]?.integer
    }

    /// Another: for how many milliseconds the shard has been owned.
    static let ageRow = "runtime:age"

    static let sql = """
        CREATE TABLE IF NOT EXISTS runtime_local (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS runtime_offsets (topic TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS runtime_sequences (name TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS runtime_answers (
            id TEXT PRIMARY KEY, fingerprint INTEGER NOT NULL, status INTEGER NOT NULL, content_type TEXT NOT NULL,
            created INTEGER, body TEXT NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS runtime_answers_expires ON runtime_answers (expires);
        """
}
