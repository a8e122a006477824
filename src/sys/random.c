#include "sys/sys.h"

#include <errno.h>
#include <sys/random.h>

static void fill(void *arg, void *bytes, size_t len)
{
	char *at = bytes;

	(void)arg;
	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);
		if (n < 0) {
			TD_ASSERT(errno == EINTR); /* there is no other way for it to fail */
			continue;
		}
		at += n;
		len -= (size_t)n;
	}
}

const struct td_random td_random_real = {fill, NULL};
