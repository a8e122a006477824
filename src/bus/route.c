#include "bus/private.h"

#include <stdlib.h>
#include <string.h>

/*
 * The routes of an event: who is interested in it, found without a lock by whoever publishes, in the
 * order of subscribing, and narrowed by what each asks for.
 */

#define CANDIDATES_FEW 32u

/* --- gathering ---------------------------------------------------------------------------- */

void td_routes_init(struct td_routes *routes)
{
	routes->at = routes->first;
	routes->count = 0;
	routes->cap = sizeof(routes->first) / sizeof(routes->first[0]);
	routes->last = 0;
	routes->sorted = true;
	routes->queues = false;
	routes->selects = false;
	routes->selected = false;
	routes->failed = false;
}

void td_routes_fini(struct td_routes *routes)
{
	for (size_t i = 0; routes->selected && i < routes->count; i++)
		td_event_unref(routes->at[i].selected);
	if (routes->at != routes->first)
		free(routes->at);
}

static bool grow(struct td_routes *routes)
{
	size_t cap = routes->cap * 4;
	struct td_route *at = malloc(cap * sizeof(*at));

	if (at == NULL) {
		routes->failed = true;
		return false;
	}
	memcpy(at, routes->at, routes->count * sizeof(*at));
	if (routes->at != routes->first)
		free(routes->at);
	routes->at = at;
	routes->cap = cap;
	return true;
}

static inline bool add(struct td_routes *routes, struct td_subscription *subscription)
{
	uint64_t number = subscription->number;

	if (TD_UNLIKELY(routes->count == routes->cap) && !grow(routes))
		return false;
	routes->at[routes->count++] = (struct td_route){.subscription = subscription};
	routes->sorted &= number > routes->last;
	routes->last = number;
	routes->queues |= subscription->async;
	routes->selects |= subscription->select != NULL;
	return true;
}

bool td_routes_add(struct td_routes *routes, struct td_subscription *subscription)
{
	return add(routes, subscription);
}

void td_routes_found(void *arg, void *interest)
{
	add(arg, interest);
}

static int compare_routes(const void *a, const void *b)
{
	uint64_t x = ((const struct td_route *)a)->subscription->number;
	uint64_t y = ((const struct td_route *)b)->subscription->number;

	return x < y ? -1 : x > y;
}

/* Those of one pattern are in order already; of several it is a few, mostly in order: insertion. */
void td_routes_sort(struct td_routes *routes)
{
	if (TD_LIKELY(routes->sorted))
		return;
	if (routes->count > 32) {
		qsort(routes->at, routes->count, sizeof(routes->at[0]), compare_routes);
		return;
	}
	for (size_t i = 1; i < routes->count; i++) {
		struct td_route route = routes->at[i];
		size_t j = i;

		for (; j > 0 && routes->at[j - 1].subscription->number > route.subscription->number;
			j--)
			routes->at[j] = routes->at[j - 1];
		routes->at[j] = route;
	}
}

/* --- what is asked for -------------------------------------------------------------------- */

bool td_bus_passes(const struct td_subscription *subscription, const struct td_event *event)
{
	return (subscription->filter == NULL || td_filter_passes(subscription->filter, event)) &&
	       (subscription->filters == NULL || td_filter_passes(subscription->filters, event));
}

/* What the library itself announces goes to those who ask for it, not to those who ask for all. */
bool td_bus_is_own(struct td_text type)
{
	return type.len > 3 && memcmp(type.at, "td.", 3) == 0;
}

/* Whether it gets the event. */
static inline bool hears(
	const struct td_subscription *subscription, const struct td_event *event, bool own)
{
	return atomic_load_explicit(&subscription->live, memory_order_relaxed) &&
	       (!own || subscription->hears_own) &&
	       (TD_LIKELY(subscription->plain) || td_bus_passes(subscription, event));
}

/* The smaller events that some want. */
static int select_all(struct td_routes *routes, const struct td_event *event)
{
	if (TD_LIKELY(!routes->selects))
		return 0;
	routes->selected = true;
	for (size_t i = 0; i < routes->count; i++) {
		struct td_route *route = &routes->at[i];

		if (route->subscription->select == NULL)
			continue;
		route->code =
			td_select_apply(route->subscription->select, event, &route->selected, NULL);
		if (route->code == TD_E_NOMEM)
			return TD_E_NOMEM;
	}
	return 0;
}

int td_routes_narrow(struct td_routes *routes, const struct td_event *event)
{
	bool own = td_bus_is_own(event->attr[TD_ATTR_TYPE]);
	size_t kept = 0;

	if (TD_UNLIKELY(routes->failed))
		return TD_E_NOMEM;
	for (size_t i = 0; i < routes->count; i++) {
		if (hears(routes->at[i].subscription, event, own) || TD_BUG(318))
			routes->at[kept++] = routes->at[i];
	}
	routes->count = kept;
	return select_all(routes, event);
}

/* --- finding ------------------------------------------------------------------------------ */

/* Interests td_routes_found, as far as there is room. */
struct candidates {
	void **next, **end;
	void *few[CANDIDATES_FEW];
};

static void found_candidate(void *arg, void *interest)
{
	struct candidates *candidates = arg;

	if (TD_LIKELY(candidates->next < candidates->end))
		*candidates->next++ = interest;
}

/* All that fit the address and type: *at is `few`, or a block of its own. SIZE_MAX: no memory. */
static size_t collect(
	struct td_bus *bus, const struct td_event *event, struct candidates *candidates, void ***at)
{
	size_t room = CANDIDATES_FEW;

	*at = candidates->few;
	for (;;) {
		size_t count;

		candidates->next = *at;
		candidates->end = *at + room;
		count = td_trie_match(bus->trie, event->address, event->attr[TD_ATTR_TYPE],
			found_candidate, candidates);
		if (TD_LIKELY(count <= room))
			return count;
		if (*at != candidates->few)
			free(*at);
		room = count + count / 4;
		*at = malloc(room * sizeof(**at));
		if (*at == NULL)
			return SIZE_MAX;
	}
}

/* Those that hear the event, of `count` candidates; there is room. */
static void add_hearing(struct td_routes *routes, void *const *candidates, size_t count,
	const struct td_event *event)
{
	bool own = td_bus_is_own(event->attr[TD_ATTR_TYPE]);
	bool sorted = true, queues = false, selects = false;
	uint64_t last = 0;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct td_subscription *s = candidates[i];

		if (TD_UNLIKELY(!hears(s, event, own)))
			continue;
		routes->at[kept++] = (struct td_route){.subscription = s};
		sorted &= s->number > last;
		last = s->number;
		queues |= s->async;
		selects |= s->select != NULL;
	}
	routes->count = kept;
	routes->last = last;
	routes->sorted = sorted;
	routes->queues = queues;
	routes->selects = selects;
}

int td_routes_find(struct td_routes *routes, struct td_bus *bus, const struct td_event *event)
{
	struct candidates candidates;
	void **at;
	size_t count = collect(bus, event, &candidates, &at);

	if (TD_UNLIKELY(count == SIZE_MAX))
		return TD_E_NOMEM;
	while (TD_UNLIKELY(routes->cap < count) && grow(routes))
		;
	if (TD_LIKELY(!routes->failed))
		add_hearing(routes, at, count, event);
	if (at != candidates.few)
		free(at);
	if (TD_UNLIKELY(routes->failed))
		return TD_E_NOMEM;
	td_routes_sort(routes);
	return select_all(routes, event);
}

static void found_own(void *arg, void *interest)
{
	const struct td_subscription *subscription = interest;
	bool *anyone = arg;

	*anyone = *anyone || subscription->hears_own;
}

bool td_bus_anyone(struct td_bus *bus, const char *address, const char *type)
{
	bool anyone = false;

	td_trie_match(bus->trie, td_text(address), td_text(type), found_own, &anyone);
	return anyone;
}
