#include "bus/private.h"

#include <stdlib.h>
#include <string.h>

/*
 * From found to accepted: the order of steps that makes "nothing was published" true when a publish
 * is refused. Its routes are known; reserve a place in every queue it goes to; only then hand it
 * over. Queues come before handlers, so that per subject a lane sees events in the order of
 * publishing.
 */

/* --- queues ------------------------------------------------------------------------------- */

static bool wants_queue(const struct td_subscription *subscription, unsigned flags)
{
	return subscription->async || (flags & TD_ASYNC) != 0;
}

static void unreserve(struct td_routes *routes, size_t upto)
{
	for (size_t i = 0; i < upto; i++) {
		if (routes->at[i].queued)
			td_lane_unreserve(atomic_load(&routes->at[i].subscription->lane));
		routes->at[i].queued = false;
	}
}

/* A place in every queue the event goes to, or in none. */
static int reserve(struct td_bus *bus, struct td_routes *routes, unsigned flags, bool may_wait,
	struct td_cascade *cascade, const struct td_event *event, struct td_error *err)
{
	for (size_t i = 0; i < routes->count; i++) {
		struct td_route *route = &routes->at[i];
		const char *why = "its queue is full";
		bool drop = false;

		if (!wants_queue(route->subscription, flags) || route->code != 0)
			continue;
		struct td_lane *lane = td_bus_lane(route->subscription);
		int code = lane == NULL ? TD_E_NOMEM : td_lane_reserve(lane, may_wait, &drop);

		if (code == TD_E_FULL && (flags & TD_ANNOUNCED) != 0) {
			drop = true;
			code = 0;
		} else if (code == TD_E_CLOSED && !atomic_load(&bus->closing)) {
			why = "it ended"; /* while we waited for room: the others are told */
			drop = true;
			code = 0;
		}
		if (code != 0) {
			unreserve(routes, i);
			if (code == TD_E_NOMEM)
				return td_error_nomem(err);
			return td_error_set(err, code, TD_NO_OFFSET, "subscription %s: %s",
				route->subscription->name, td_error_meaning(code));
		}
		route->queued = !drop;
		route->dropped = drop;
		if (drop)
			td_cascade_dropped(bus, cascade, event, route->subscription, why);
	}
	return 0;
}

/* Hand over to the lanes what was reserved; `kept` is a kept event or NULL if there are none. */
static void enqueue(struct td_routes *routes, struct td_event *kept, struct td_cascade *cascade)
{
	for (size_t i = 0; i < routes->count; i++) {
		struct td_route *route = &routes->at[i];
		struct td_subscription *subscription = route->subscription;
		struct td_owed owed = {.book_number = TD_BOOK_NONE};

		if (route->dropped)
			td_lane_count_dropped(atomic_load(&subscription->lane));
		if (!route->queued)
			continue;
		if (route->selected != NULL) {
			owed.event = route->selected;
			route->selected = NULL;
		} else {
			owed.event = td_event_ref(kept);
		}
		if (cascade->book != NULL) {
			owed.book_number = td_book_add(
				cascade->book, owed.event, subscription, TD_QUEUED, 0, NULL);
			if (owed.book_number != TD_BOOK_NONE) {
				td_book_ref(cascade->book);
				owed.book = cascade->book;
			}
		}
		cascade->queued++;
		td_lane_push(
			atomic_load_explicit(&subscription->lane, memory_order_relaxed), &owed);
	}
}

static bool any_queued(const struct td_routes *routes)
{
	for (size_t i = 0; i < routes->count; i++) {
		if (routes->at[i].queued && routes->at[i].selected == NULL)
			return true;
	}
	return false;
}

/* --- one event ---------------------------------------------------------------------------- */

static void trace_accepted(
	struct td_bus *bus, const struct td_event *event, const struct td_routes *routes)
{
	td_bus_trace(bus, TD_PUBLISHED, TD_QUEUED, event, NULL, 0, 0);
	for (size_t i = 0; i < routes->count; i++)
		td_bus_trace(bus, TD_ROUTED, TD_QUEUED, event, routes->at[i].subscription, 0, 0);
}

static bool is_announced(unsigned flags)
{
	return (flags & TD_ANNOUNCED) != 0;
}

int td_accept_prepare(struct td_bus *bus, struct td_accepting *a, unsigned flags, bool waits,
	struct td_cascade *cascade, struct td_error *err)
{
	struct td_routes *routes = a->routes;
	bool queueing = routes->queues || (flags & TD_ASYNC) != 0;
	int code = 0;

	a->kept = NULL;
	a->node = NULL;
	if (waits) {
		a->node = malloc(sizeof(*a->node) + routes->count * sizeof(a->node->routes[0]));
		if (a->node == NULL)
			return td_error_nomem(err);
		a->turn = &a->node->turn;
	}
	td_turn_init(a->turn);
	if (queueing)
		code = reserve(bus, routes, flags, !waits && td_bus_context(bus) == NULL, cascade,
			a->event, err);
	if (code == 0 && (waits || (queueing && any_queued(routes)))) {
		a->kept = td_event_ref(a->event);
		if (a->kept == NULL) {
			unreserve(routes, routes->count);
			code = td_error_nomem(err);
		}
	}
	if (code != 0)
		free(a->node);
	return code;
}

void td_accept_cancel(struct td_accepting *a)
{
	unreserve(a->routes, a->routes->count);
	td_event_unref(a->kept);
	free(a->node);
}

void td_accept_commit(struct td_bus *bus, struct td_accepting *a, unsigned flags,
	struct td_cascade *cascade, struct td_cascade *where)
{
	struct td_routes *routes = a->routes;
	struct td_node *node = a->node;
	bool queueing = routes->queues || (flags & TD_ASYNC) != 0;
	size_t here = routes->count; /* handlers called where the event is published */

	if (TD_UNLIKELY(td_bus_traced(bus)))
		trace_accepted(bus, a->event, routes);
	td_turn_wait_admission(bus->turns, a->turn);
	if (queueing)
		enqueue(routes, a->kept, cascade);
	for (size_t i = 0; i < routes->count && queueing; i++)
		here -= routes->at[i].queued || routes->at[i].dropped;
	td_cascade_push(where, td_turn_admitted(bus->turns, a->turn, here > 0));
	if (node == NULL) {
		td_event_unref(a->kept);
		return;
	}
	if (where != cascade)
		cascade->queued += here;
	node->event = a->kept;
	node->flags = flags;
	node->count = routes->count;
	memcpy(node->routes, routes->at, routes->count * sizeof(node->routes[0]));
	routes->count = 0; /* the node has what they held */
	td_cascade_append(where, node);
	td_reader_mine.dirty = 1;
}

int td_accept_check_room(const struct td_cascade *later, unsigned flags, struct td_error *err)
{
	/* What handlers used up must not silence what is to be told of them. */
	size_t most = is_announced(flags) ? 2 * TD_CASCADE_MAX : TD_CASCADE_MAX;

	if (later != NULL && later->head != NULL && later->count >= most)
		return td_error_set(err, TD_E_LIMIT, TD_NO_OFFSET, "%u events wait in this cascade",
			TD_CASCADE_MAX);
	return 0;
}

int td_accept(struct td_bus *bus, const struct td_event *event, struct td_routes *routes,
	unsigned flags, struct td_cascade *cascade, struct td_cascade *later, struct td_error *err)
{
	const struct td_keeper *keeper = event->kind == TD_EVENT_KIND ? td_bus_keeper(bus) : NULL;
	bool waits = later != NULL || (keeper != NULL && !cascade->may_wait);
	struct td_turn turn;
	struct td_accepting a = {.event = event, .routes = routes, .turn = &turn};
	int code = td_accept_check_room(later, flags, err);

	if (code == 0)
		code = td_accept_prepare(bus, &a, flags, waits, cascade, err);
	if (code != 0)
		return code;
	if (keeper != NULL) {
		struct td_kept kept = {.turn = a.turn};
		struct td_keeping keeping = {.events = &event, .count = 1, .kept = &kept};

		code = keeper->keep(keeper->arg, &keeping, err);
		if (code == 0 && cascade->book != NULL)
			td_book_where(cascade->book, &kept);
		if (code != 0 || kept.duplicate) {
			td_accept_cancel(&a);
			return code;
		}
	}
	td_accept_commit(bus, &a, flags, cascade, later != NULL ? later : cascade);
	if (later != NULL)
		return 0;
	if (!waits) {
		td_turn_begin(bus->turns, &turn, true, NULL);
		td_cascade_routes(bus, cascade, event, routes->at, routes->count, flags);
		td_cascade_push(cascade, td_turn_end(bus->turns, &turn));
	}
	td_cascade_run(bus, cascade);
	return 0;
}
