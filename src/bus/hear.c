#include "bus/private.h"

#include <string.h>

/*
 * What others published: a place that is told of it (a server's stream) hands it on here, in its order,
 * kept already. It goes into a queue of each subscription, of the synchronous ones too, for nobody is
 * here to run them; what this process publishes of the same subject comes behind it, in the lane.
 */

void td_bus_subscription_since(struct td_subscription *s, uint64_t number)
{
	atomic_store(&s->since, number);
}

void td_bus_heard_init(struct td_cascade *left)
{
	td_cascade_init(left, NULL, NULL);
}

int td_bus_heard(struct td_bus *bus, struct td_cascade *left, struct td_error *err)
{
	struct td_inside inside;

	if (left->head == NULL)
		return 0;
	if (!td_bus_enter(bus, &inside))
		return td_error_nomem(err);
	td_cascade_run(bus, left);
	td_bus_leave(&inside);
	return 0;
}

/* Not for who asked later; and what a `select` cannot make of it is told to nobody. */
static void drop_others(struct td_routes *routes, uint64_t number)
{
	size_t kept = 0;

	for (size_t i = 0; i < routes->count; i++) {
		struct td_route *route = &routes->at[i];
		struct td_subscription *s = route->subscription;

		if (atomic_load(&s->since) <= number && route->code == 0) {
			routes->at[kept++] = *route;
			continue;
		}
		if (route->code != 0 && atomic_load(&s->since) <= number)
			atomic_fetch_add_explicit(&s->untold, 1, memory_order_relaxed);
		td_event_unref(route->selected);
	}
	routes->count = kept;
}

static void unreserve(struct td_routes *routes)
{
	for (size_t i = 0; i < routes->count; i++) {
		if (routes->at[i].queued)
			td_lane_unreserve(atomic_load(&routes->at[i].subscription->lane));
		routes->at[i].queued = false;
	}
}

static int reserve_one(struct td_route *route, struct td_error *err)
{
	struct td_subscription *s = route->subscription;
	struct td_lane *lane = td_bus_lane(s);
	bool dropped = false;
	int code = lane == NULL ? TD_E_NOMEM : td_lane_reserve(lane, false, &dropped);

	if (code == TD_E_CLOSED) /* it ended; the others hear of it */
		return 0;
	if (code == TD_E_NOMEM)
		return td_error_nomem(err);
	if (code != 0)
		return td_error_set(err, code, TD_NO_OFFSET, "subscription %s: %s", s->name,
			td_error_meaning(code));
	route->queued = !dropped;
	route->dropped = dropped;
	return 0;
}

/* A place in all queues, or in none; those that may drop something for it come last. */
static int reserve(struct td_routes *routes, struct td_error *err)
{
	int code = 0;

	for (int observers = 0; observers < 2; observers++) {
		for (size_t i = 0; code == 0 && i < routes->count; i++) {
			if (routes->at[i].subscription->observer == (observers == 1))
				code = reserve_one(&routes->at[i], err);
		}
	}
	if (code != 0)
		unreserve(routes);
	return code;
}

static void push(struct td_routes *routes, struct td_event *event)
{
	for (size_t i = 0; i < routes->count; i++) {
		struct td_route *route = &routes->at[i];
		struct td_lane *lane = atomic_load(&route->subscription->lane);
		struct td_owed owed = {.book_number = TD_BOOK_NONE};

		if (route->dropped)
			td_lane_count_dropped(lane);
		if (!route->queued)
			continue;
		owed.event = route->selected != NULL ? route->selected : td_event_ref(event);
		route->selected = NULL;
		td_lane_push(lane, &owed);
	}
}

static int hear(struct td_bus *bus, struct td_routes *routes, struct td_event *event,
	uint64_t number, struct td_cascade *left, struct td_error *err)
{
	struct td_turn turn;
	int code = td_routes_find(routes, bus, event) == 0 ? 0 : td_error_nomem(err);

	if (code != 0)
		return code;
	drop_others(routes, number);
	code = reserve(routes, err);
	if (code != 0)
		return code;
	for (size_t i = 0; i < routes->count && td_bus_traced(bus); i++)
		td_bus_trace(bus, TD_ROUTED, TD_QUEUED, event, routes->at[i].subscription, 0, 0);
	td_turn_init(&turn);
	td_turn_draw(bus->turns, &turn, event->address);
	td_turn_wait_admission(bus->turns, &turn);
	push(routes, event);
	td_cascade_push(left, td_turn_admitted(bus->turns, &turn, false));
	return 0;
}

int td_bus_hear(struct td_bus *bus, struct td_event *event, uint64_t number,
	struct td_cascade *left, struct td_error *err)
{
	struct td_routes routes;
	struct td_inside inside;
	int code = td_bus_check_open(bus, err);

	if (code != 0)
		return code;
	if (!td_bus_enter(bus, &inside))
		return td_error_nomem(err);
	td_routes_init(&routes);
	code = hear(bus, &routes, event, number, left, err);
	td_routes_fini(&routes);
	td_bus_leave(&inside);
	return code;
}
