#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void td_assert_failed(const char *file, int line, const char *function, const char *condition)
{
	fprintf(stderr, "tidings: %s:%d: %s: assertion failed: %s\n", file, line, function,
		condition);
	abort();
}
