// The commit this was built from, "" where the build was not told.
#pragma once
const char *cbuild_commit(void);
