/*
 * bus: dispatch inside a process, the place "mem:". Drives `delivery` for what is asynchronous or
 * retried; what is synchronous and plain is a walk over an array.
 *
 * The public functions of tidings.h are this room's for "mem:"; src/client forwards to it.
 */
#ifndef TD_BUS_H
#define TD_BUS_H

#include "delivery/delivery.h"
#include "sys/sys.h"
#include "tidings/tidings.h"

/* What the bus takes from the world; NULL fields: the real one. */
struct td_world {
	const struct td_clock *clock;
	const struct td_random *random;
};

int td_bus_open(struct td **td, const struct td_world *world, const struct td_options *options,
	struct td_error *err);

#endif
