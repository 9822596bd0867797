// A closed database is several files: its own and what SQLite keeps beside it.
package import Platform

extension FileSystem {
    private static let databaseSuffixes = ["", "-wal", "-shm", "-journal"]

    package static func removeDatabase(_ path: String) {
        for suffix in databaseSuffixes { remove(path + suffix) }
    }

    /// Puts a closed database elsewhere, unless there is one already: the older copy is the one that matters.
    static func moveDatabase(_ path: String, to other: String) {
        guard !exists(other) else { return removeDatabase(path) }
        // Most of them are not there, which is no failure.
        for suffix in databaseSuffixes { try? rename(path + suffix, to: other + suffix) }
    }
}
