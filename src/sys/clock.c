#include "sys/sys.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec now;
	int code = clock_gettime(id, &now);

	TD_ASSERT(code == 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static td_time wall(void *arg)
{
	(void)arg;
	return read_clock(CLOCK_REALTIME);
}

static int64_t monotonic(void *arg)
{
	(void)arg;
	return read_clock(CLOCK_MONOTONIC);
}

const struct td_clock td_clock_real = {wall, monotonic, NULL};
