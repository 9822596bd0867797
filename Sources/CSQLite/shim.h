// SQLite as Debian builds it (with the preupdate hook), and what Swift cannot call of it.
#pragma once
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#define SQLITE_ENABLE_SESSION 1
#include <sqlite3.h>

// SQLITE_TRANSIENT is a cast, which Swift does not import. SQLite copies the bytes before these return.
// A null pointer would bind NULL, so that empty text and blobs need a pointer of their own.
static inline int cna_bind_text(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
  return sqlite3_bind_text64(statement, index, bytes ? bytes : "", count, SQLITE_TRANSIENT, SQLITE_UTF8);
}
static inline int cna_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
  return sqlite3_bind_blob64(statement, index, bytes ? bytes : "", count, SQLITE_TRANSIENT);
}

// Counting every allocation under a lock, for figures that nobody asks for. sqlite3_config is variadic, and refuses once
// the library is in use.
static inline int cna_forgo_memory_statistics(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

// A name in double quotes that fits no column is an error, and not a text of that spelling, as it is by default.
static inline int cna_quotes_are_for_names(sqlite3 *connection) {
  return sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DML, 0, (int *)0);
}
