#include "server/throttle.h"

#include <string.h>

void td_throttle_init(struct td_throttle *throttle, unsigned burst, int64_t interval_ms)
{
	memset(throttle, 0, sizeof(*throttle));
	throttle->interval = interval_ms * 1000000;
	throttle->burst = (int64_t)burst * throttle->interval;
}

static unsigned cell_of(uint64_t key, int row)
{
	return (unsigned)(row == 0 ? key : key >> 32) % TD_THROTTLE_CELLS;
}

bool td_throttle_over(const struct td_throttle *throttle, uint64_t key, int64_t now)
{
	for (int row = 0; row < 2; row++) {
		if (throttle->cells[row][cell_of(key, row)] + throttle->interval <=
			now + throttle->burst)
			return false;
	}
	return true;
}

void td_throttle_count(struct td_throttle *throttle, uint64_t key, int64_t now)
{
	for (int row = 0; row < 2; row++) {
		int64_t *cell = &throttle->cells[row][cell_of(key, row)];

		*cell = (*cell > now ? *cell : now) + throttle->interval;
	}
}
