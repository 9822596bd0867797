// The one file that a new commit compiles anew.
#include "build.h"
#ifndef BUILD_COMMIT
#define BUILD_COMMIT ""
#endif
const char *cbuild_commit(void) { return BUILD_COMMIT; }
