// SQLite as Debian builds it (with the preupdate hook and sessions), and what Swift cannot call of it.
#pragma once
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#define SQLITE_ENABLE_SESSION 1
#include <sqlite3.h>
