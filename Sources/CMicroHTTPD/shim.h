// GNU libmicrohttpd, and what Swift cannot call of it.
#pragma once
#include <microhttpd.h>
