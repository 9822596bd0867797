// The runtime's own tables in a shard's file. They are rows like any other: carried by the state topic, so that a
// restored file equals the lost one. Only `runtime_local` stays where it is: it describes this very file.
enum ShardSchema {
    static let local = "runtime_local"

    /// A row of the sequences that no sequence has: the number of shards the ids were given out for.
    static let shardCountRow = "runtime:shards"

    /// Another: for how many milliseconds the shard has been owned.
    static let ageRow = "runtime:age"

    static let sql = """
        CREATE TABLE IF NOT EXISTS runtime_local (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS runtime_offsets (topic TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS runtime_sequences (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS runtime_answers (
            id TEXT PRIMARY KEY, fingerprint INTEGER NOT NULL, status INTEGER NOT NULL, content_type TEXT NOT NULL,
            created INTEGER, body TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS runtime_answers_expires ON runtime_answers (expires);
        """
}
