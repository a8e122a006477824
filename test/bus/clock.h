/*
 * A place whose clock stands still until the test moves it: so what is due, and what is not yet, does
 * not depend on how fast the machine is. For tests that turn the loop; who waits (td_drain() with
 * something to be retried, say) would wait for ever.
 */
#ifndef TEST_BUS_CLOCK_H
#define TEST_BUS_CLOCK_H

#include "place.h"

#include "client/client.h"

struct still_clock {
	struct td_clock clock;
	struct td_world world;
	_Atomic int64_t ns; /* a store's thread looks, too */
};

static inline td_time still_clock_wall(void *arg)
{
	return 1700000000ll * 1000000000 + ((const struct still_clock *)arg)->ns;
}

static inline int64_t still_clock_monotonic(void *arg)
{
	return ((const struct still_clock *)arg)->ns;
}

static inline struct td *open_place_at(struct still_clock *still, const struct td_options *options)
{
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;

	still->ns = 1000000000;
	still->clock = (struct td_clock){still_clock_wall, still_clock_monotonic, still};
	still->world = (struct td_world){.clock = &still->clock};
	if (td_open_in(&td, place_url(), &still->world, options, &err) != 0)
		fail_msg("%s", err.text);
	return td;
}

static inline void still_clock_move_ms(struct still_clock *still, int64_t ms)
{
	still->ns += ms * 1000000;
}

#endif
