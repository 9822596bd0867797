// How dear is it to know which rows a batch has changed? Bare SQLite, a session per batch, the preupdate hook.
//   cc -O2 -o row-capture row-capture.c -lsqlite3 && ./row-capture [ROWS_PER_BATCH] [BATCHES]
// Every batch is a transaction that updates or inserts that many rows of a table; the captured ones also
// read the changed rows back, because the image is what gets published.
// CPU seconds, not those on the wall, so that a busy machine matters less.
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#define SQLITE_ENABLE_SESSION 1
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void check(int code, sqlite3 *db) {
  if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE) {
    fprintf(stderr, "%d %s\n", code, sqlite3_errmsg(db));
    exit(1);
  }
}
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static sqlite3_int64 touched[100000];
static int touched_count;
static unsigned char seen[1 << 20];
static void hook(void *context, sqlite3 *db, int op, const char *schema, const char *table, sqlite3_int64 old_id,
                 sqlite3_int64 new_id) {
  sqlite3_int64 id = op == SQLITE_DELETE ? old_id : new_id;
  if (seen[id & 0xfffff]) return;
  seen[id & 0xfffff] = 1;
  touched[touched_count++] = id;
}

int main(int argc, char **argv) {
  int rows = argc > 1 ? atoi(argv[1]) : 100, batches = argc > 2 ? atoi(argv[2]) : 2000;
  const char *names[] = {"bare", "session per batch", "preupdate hook"};
  for (int mode = 0; mode < 3; mode++) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/row-capture-%d.db", getpid());
    unlink(path);
    sqlite3 *db;
    sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    check(sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE item (id INTEGER PRIMARY KEY,"
                       " title TEXT, stock INTEGER)", 0, 0, 0), db);
    if (mode == 2) sqlite3_preupdate_hook(db, hook, NULL);
    sqlite3_stmt *upsert, *read;
    check(sqlite3_prepare_v2(db, "INSERT INTO item VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET stock = excluded.stock",
                             -1, &upsert, 0), db);
    check(sqlite3_prepare_v2(db, "SELECT id, title, stock FROM item WHERE id = ?", -1, &read, 0), db);
    long long published = 0;
    srand(1);
    double start = now();
    for (int batch = 0; batch < batches; batch++) {
      check(sqlite3_exec(db, "BEGIN IMMEDIATE", 0, 0, 0), db);
      sqlite3_session *session = NULL;
      if (mode == 1) {
        check(sqlite3session_create(db, "main", &session), db);
        check(sqlite3session_attach(session, NULL), db);
      }
      for (int row = 0; row < rows; row++) {
        sqlite3_bind_int64(upsert, 1, 1 + rand() % 50000);
        sqlite3_bind_text(upsert, 2, "a book of about that many letters", -1, SQLITE_STATIC);
        sqlite3_bind_int64(upsert, 3, row);
        check(sqlite3_step(upsert), db);
        sqlite3_reset(upsert);
      }
      if (mode == 1) {
        int size;
        void *bytes;
        check(sqlite3session_changeset(session, &size, &bytes), db);
        sqlite3_changeset_iter *changes;
        check(sqlite3changeset_start(&changes, size, bytes), db);
        while (sqlite3changeset_next(changes) == SQLITE_ROW) {
          // An update carries only the changed columns, so that the whole image has to be read here as well.
          sqlite3_value *key;
          const char *table;
          int columns, op, indirect;
          sqlite3changeset_op(changes, &table, &columns, &op, &indirect);
          if (op == SQLITE_INSERT) sqlite3changeset_new(changes, 0, &key);
          else sqlite3changeset_old(changes, 0, &key);
          sqlite3_bind_int64(read, 1, sqlite3_value_int64(key));
          check(sqlite3_step(read), db);
          published += sqlite3_column_bytes(read, 1);
          sqlite3_reset(read);
        }
        sqlite3changeset_finalize(changes);
        sqlite3_free(bytes);
        sqlite3session_delete(session);
      } else if (mode == 2) {
        for (int i = 0; i < touched_count; i++) {
          sqlite3_bind_int64(read, 1, touched[i]);
          check(sqlite3_step(read), db);
          published += sqlite3_column_bytes(read, 1);
          sqlite3_reset(read);
          seen[touched[i] & 0xfffff] = 0;
        }
        touched_count = 0;
      }
      check(sqlite3_exec(db, "COMMIT", 0, 0, 0), db);
    }
    double seconds = now() - start;
    printf("%-18s %9.0f rows per CPU second  (%lld bytes read back)\n", names[mode], rows * (double)batches / seconds, published);
    sqlite3_finalize(upsert);
    sqlite3_finalize(read);
    sqlite3_close(db);
    unlink(path);
    strcat(path, "-wal");
    unlink(path);
  }
}
