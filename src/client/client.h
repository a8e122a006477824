/*
 * client: libtidings' public functions. One URL to one place; each call goes to the room that is
 * that place: dispatch is the bus's in all of them, what is kept is the store's (place.h).
 */
#ifndef TD_CLIENT_H
#define TD_CLIENT_H

#include "bus/bus.h"
#include "tidings/log.h"
#include "tidings/tidings.h"
#include "tidings/typed.h"

struct td_place;

struct td {
	struct td_bus *bus;
	struct td_place *place;
};

/* td_open() in a world of the caller's (simulation); NULL: the real one. */
int td_open_in(struct td **td, const char *url, const struct td_world *world,
	const struct td_options *options, struct td_error *err);

#endif
