#include "bus/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Who is interested: subscribing, the routes of an event, topics and their plans, and when memory
 * that readers may still look at goes away.
 */

/* Something taken away while readers may be inside; freed when they have left. */
struct td_retired {
	struct td_retired *next;
	struct td_readers_mark *mark; /* NULL: none could be made yet */
	struct td_subscription *subscription;
	struct td_trie_limbo *limbo;
};

#define CANDIDATES_FEW 32u

/* --- routes ------------------------------------------------------------------------------- */

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

static void found(void *arg, void *interest)
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
static void sort(struct td_routes *routes)
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

/* Interests found, as far as there is room. */
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
	sort(routes);
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

/* --- retiring ----------------------------------------------------------------------------- */

static void free_subscription(struct td_subscription *subscription)
{
	struct td_lane *lane = atomic_load(&subscription->lane);

	if (lane != NULL) {
		td_lane_clear(lane);
		td_lane_free(lane);
	}
	for (size_t i = 0; i < subscription->types_count; i++)
		free(subscription->types[i]);
	free(subscription->types);
	free(subscription->name);
	free(subscription->pattern);
	td_filter_free(subscription->filter);
	td_filter_free(subscription->filters);
	td_select_free(subscription->select);
	free(subscription);
}

static void release_and_free(struct td_subscription *subscription)
{
	if (subscription->release != NULL)
		subscription->release(subscription->release_arg);
	free_subscription(subscription);
}

static void free_retired(struct td_retired *retired)
{
	if (retired->subscription != NULL)
		release_and_free(retired->subscription);
	if (retired->limbo != NULL)
		td_trie_limbo_free(retired->limbo);
	td_readers_mark_free(retired->mark);
	free(retired);
}

/* Under the lock. The entry was made by the caller beforehand, so that this cannot fail. */
static void retire(struct td_bus *bus, struct td_retired *retired)
{
	retired->mark = td_readers_fence();
	retired->next = bus->retired;
	bus->retired = retired;
}

void td_bus_reclaim(struct td_bus *bus)
{
	struct td_retired *free_now = NULL;
	struct td_retired *kept, **link = &kept;

	td_mutex_lock(&bus->lock);
	kept = atomic_load(&bus->retired);
	while (*link != NULL) {
		struct td_retired *retired = *link;

		if (retired->mark == NULL)
			retired->mark = td_readers_fence();
		if (retired->mark != NULL && (td_readers_passed(retired->mark) || TD_BUG(320))) {
			*link = retired->next;
			retired->next = free_now;
			free_now = retired;
		} else {
			link = &retired->next;
		}
	}
	atomic_store(&bus->retired, kept);
	td_mutex_unlock(&bus->lock);
	while (free_now != NULL) {
		struct td_retired *next = free_now->next;

		free_retired(free_now);
		free_now = next;
	}
}

void td_bus_leave_reader(struct td_bus *bus, struct td_reader *reader)
{
	/* Asked while inside: the place cannot be closed under us. */
	if (TD_LIKELY(atomic_load_explicit(&bus->retired, memory_order_relaxed) == NULL)) {
		td_reader_leave(reader);
		return;
	}
	atomic_fetch_add(&bus->reclaiming, 1);
	td_reader_leave(reader);
	td_bus_reclaim(bus);
	atomic_fetch_sub(&bus->reclaiming, 1);
}

/* --- topics ------------------------------------------------------------------------------- */

static const struct td_plan plan_stale = {.topic = TD_PLAN_SLOW, .count = 0};

/* The block of a plan begins with the entry that retires it, so that this needs no memory. */
static void plan_retire(struct td_bus *bus, const struct td_plan *plan)
{
	struct td_retired *retired;

	if (plan == &plan_stale)
		return;
	retired = (struct td_retired *)(uintptr_t)plan - 1;
	*retired = (struct td_retired){.next = NULL};
	retire(bus, retired);
}

void td_bus_topics_stale(struct td_bus *bus, const char *pattern)
{
	for (struct td_topic *topic = bus->topics; topic != NULL; topic = topic->next) {
		if (pattern != NULL &&
			!td_pattern_matches(td_text(pattern), td_text(topic->address)))
			continue;
		plan_retire(bus, atomic_exchange(&topic->plan, &plan_stale));
	}
}

static struct td_plan *plan_new(const struct td_routes *routes)
{
	size_t slots = (routes->count + 1) * sizeof(struct td_slot);
	struct td_retired *head = malloc(sizeof(*head) + sizeof(struct td_plan) + slots);
	struct td_plan *plan;

	if (head == NULL)
		return NULL;
	plan = (struct td_plan *)(void *)(head + 1);
	plan->count = routes->count;
	for (size_t i = 0; i < routes->count; i++) {
		struct td_subscription *s = routes->at[i].subscription;
		plan->slots[i] = (struct td_slot){s->handler, s->arg, s};
	}
	plan->slots[plan->count] = (struct td_slot){NULL, NULL, NULL};
	return plan;
}

/* Which roads a plan is good for. */
static void judge_plan(struct td_plan *plan, const struct td_topic *topic)
{
	bool fast = plan->count > 0 && !td_readers_fenced;

	plan->straight = !td_bus_traced(topic->bus) && td_bus_keeper(topic->bus) == NULL;
	for (size_t i = 0; i < plan->count; i++) {
		struct td_subscription *subscription = plan->slots[i].subscription;

		plan->straight = plan->straight && subscription->plain;
		fast = fast && !subscription->async && atomic_load(&subscription->lane) == NULL;
	}
	plan->topic = fast && plan->straight ? topic->number : TD_PLAN_SLOW;
}

static void keep_who_hears_own(struct td_routes *routes)
{
	size_t kept = 0;

	for (size_t i = 0; i < routes->count; i++) {
		if (routes->at[i].subscription->hears_own)
			routes->at[kept++] = routes->at[i];
	}
	routes->count = kept;
}

const struct td_plan *td_topic_plan(struct td_topic *topic)
{
	struct td_bus *bus = topic->bus;
	const struct td_plan *plan;
	struct td_plan *fresh;
	struct td_routes routes;

	plan = atomic_load(&topic->plan);
	if (plan != &plan_stale)
		return plan;
	td_routes_init(&routes);
	td_mutex_lock(&bus->lock);
	plan = atomic_load(&topic->plan);
	if (plan != &plan_stale)
		goto done;
	plan = NULL;
	td_trie_match(bus->trie, td_text(topic->address), td_text(topic->type), found, &routes);
	if (routes.failed)
		goto done;
	if (td_bus_is_own(td_text(topic->type)))
		keep_who_hears_own(&routes);
	sort(&routes);
	fresh = plan_new(&routes);
	if (fresh == NULL)
		goto done;
	judge_plan(fresh, topic);
	atomic_store(&topic->plan, fresh);
	plan = fresh;
done:
	td_mutex_unlock(&bus->lock);
	td_routes_fini(&routes);
	return plan;
}

int td_bus_topic_open(struct td_topic **out, struct td_bus *bus, const char *subject,
	const char *type, struct td_error *err)
{
	/* Of the process: an event remembers the number of a topic it fits, on whichever handle. */
	static _Atomic uint64_t numbers;
	char encoded[TD_ADDRESS_BYTES_MAX];
	struct td_text address;
	struct td_topic *topic;
	int code;

	code = td_check_draft(bus, &(struct td_draft){.type = type, .subject = subject}, err);
	if (code == 0)
		code = td_address_encode(
			td_text(subject != NULL ? subject : type), encoded, &address, err);
	if (code != 0)
		return td_error_wrap(err, code, "topic");
	topic = calloc(1, sizeof(*topic));
	if (topic == NULL)
		return td_error_nomem(err);
	topic->address = strndup(address.at, address.len);
	topic->type = strdup(type);
	if (topic->address == NULL || topic->type == NULL) {
		free(topic->address);
		free(topic->type);
		free(topic);
		return td_error_nomem(err);
	}
	topic->bus = bus;
	atomic_init(&topic->plan, &plan_stale);
	topic->number = atomic_fetch_add(&numbers, 1) + 1;
	td_mutex_lock(&bus->lock);
	topic->next = bus->topics;
	bus->topics = topic;
	td_mutex_unlock(&bus->lock);
	*out = topic;
	return 0;
}

static void free_topic(struct td_topic *topic)
{
	free(topic->address);
	free(topic->type);
	free(topic);
}

void td_bus_topic_close(struct td_topic *topic)
{
	struct td_bus *bus;
	struct td_topic **link;

	if (topic == NULL)
		return;
	bus = topic->bus;
	td_mutex_lock(&bus->lock);
	for (link = &bus->topics; *link != topic; link = &(*link)->next)
		TD_ASSERT(*link != NULL);
	*link = topic->next;
	plan_retire(bus, atomic_exchange(&topic->plan, &plan_stale));
	td_mutex_unlock(&bus->lock);
	free_topic(topic);
	td_bus_reclaim(bus);
}

/* --- making a subscription ---------------------------------------------------------------- */

static bool has_type(const struct td_subscription *s, const char *type)
{
	for (size_t i = 0; i < s->types_count; i++) {
		if (strcmp(s->types[i], type) == 0)
			return true;
	}
	return false;
}

static int add_type(struct td_subscription *s, const char *type, struct td_error *err)
{
	if (has_type(s, type))
		return 0;
	s->types[s->types_count] = strdup(type);
	if (s->types[s->types_count] == NULL)
		return td_error_nomem(err);
	s->types_count++;
	return 0;
}

static int copy_types(
	struct td_subscription *s, const struct td_interest *interest, struct td_error *err)
{
	int code = 0;

	s->types = calloc(interest->types_count + 1, sizeof(s->types[0]));
	if (s->types == NULL)
		return td_error_nomem(err);
	if (interest->type != NULL)
		code = add_type(s, interest->type, err);
	for (size_t i = 0; code == 0 && i < interest->types_count; i++)
		code = add_type(s, interest->types[i], err);
	return code;
}

static int parse_filters(
	struct td_subscription *s, const struct td_interest *interest, struct td_error *err)
{
	int code = 0;

	if (interest->filter != NULL) {
		code = td_filter_sql(&s->filter, td_text(interest->filter), err);
		if (code != 0)
			return td_error_wrap(err, code, "filter");
	}
	if (interest->filters != NULL) {
		code = td_filter_dialects(&s->filters, td_text(interest->filters), err);
		if (code != 0)
			return td_error_wrap(err, code, "filters");
	}
	if (interest->select_count > 0) {
		code = td_select_new(&s->select, interest->select, interest->select_count, err);
		if (code != 0)
			return td_error_wrap(err, code, "select");
	}
	return 0;
}

/* Everything that does not touch the bus. */
static int make(struct td_subscription **out, struct td_bus *bus,
	const struct td_interest *interest, td_handler *handler,
	const struct td_typed_handler *typed, void *arg, struct td_error *err)
{
	struct td_subscription *s = calloc(1, sizeof(*s));
	int code;

	if (s == NULL)
		return td_error_nomem(err);
	s->bus = bus;
	s->handler = handler;
	s->arg = arg;
	if (typed != NULL && typed->type != NULL) {
		s->typed = *typed;
		s->typed_arg = arg;
		s->handler = td_bus_typed_call;
		s->arg = s;
	}
	s->release = interest->release;
	s->release_arg = arg;
	s->async = interest->async || (bus->async && !interest->sync);
	s->observer = interest->observer;
	s->order = interest->order;
	s->when_full = interest->when_full;
	s->queue_max = interest->queue_max != 0 ? interest->queue_max : TD_QUEUE_DEFAULT;
	s->parked_max = interest->parked_max != 0 ? interest->parked_max : TD_PARKED_DEFAULT;
	s->retry = interest->retry;
	code = copy_types(s, interest, err);
	if (code == 0)
		code = parse_filters(s, interest, err);
	s->plain = s->filter == NULL && s->filters == NULL && s->select == NULL;
	if (code == 0) {
		s->pattern = strdup(interest->subject != NULL ? interest->subject : ">");
		if (interest->name != NULL)
			s->name = strdup(interest->name);
		s->hears_own = interest->own || s->types_count > 0 ||
			       (s->pattern != NULL && strncmp(s->pattern, "td.", 3) == 0);
		if (s->pattern == NULL || (interest->name != NULL && s->name == NULL))
			code = td_error_nomem(err);
	}
	if (code != 0) {
		free_subscription(s);
		return code;
	}
	*out = s;
	return 0;
}

static uint64_t name_key(const struct td_bus *bus, const char *name)
{
	return td_hash(name, strlen(name), bus->seed);
}

static struct td_subscription *find_name(const struct td_bus *bus, const char *name)
{
	struct td_subscription *s = td_map_get(&bus->names, name_key(bus, name));

	while (s != NULL && strcmp(s->name, name) != 0)
		s = s->same_name;
	return s;
}

static int put_name(struct td_bus *bus, struct td_subscription *s, struct td_error *err)
{
	uint64_t key = name_key(bus, s->name);

	s->same_name = td_map_get(&bus->names, key);
	if (!td_map_put(&bus->names, key, s))
		return td_error_nomem(err);
	return 0;
}

static void remove_name(struct td_bus *bus, struct td_subscription *s)
{
	uint64_t key = name_key(bus, s->name);
	struct td_subscription *first = td_map_get(&bus->names, key);

	if (first != s) {
		while (first->same_name != s)
			first = first->same_name;
		first->same_name = s->same_name;
	} else if (s->same_name == NULL) {
		td_map_remove(&bus->names, key);
	} else {
		td_map_put(&bus->names, key, s->same_name); /* replaces: needs no memory */
	}
}

/* A name that nobody has: "ShipOrder-7". A long prefix is cut, at a character. */
static char *make_up_name(struct td_bus *bus, const char *prefix)
{
	char name[TD_SUBSCRIPTION_NAME_BYTES_MAX];
	size_t most = sizeof(name) / 2, len;
	uint64_t number = bus->numbers;

	TD_ASSERT(prefix != NULL);
	len = strlen(prefix);
	if (len > most) {
		len = most;
		while (((unsigned char)prefix[len] & 0xC0) == 0x80)
			len--;
	}
	do
		snprintf(name, sizeof(name), "%.*s-%llu", (int)len, prefix,
			(unsigned long long)++number);
	while (find_name(bus, name) != NULL);
	return strdup(name);
}

/* Under the lock: name and number. */
static int name_it(
	struct td_bus *bus, struct td_subscription *s, const char *prefix, struct td_error *err)
{
	if (s->name == NULL) {
		s->name = make_up_name(bus, prefix);
		if (s->name == NULL)
			return td_error_nomem(err);
	}
	s->number = ++bus->numbers;
	if (find_name(bus, s->name) != NULL)
		return td_error_set(err, TD_E_EXISTS, TD_NO_OFFSET,
			"there is a subscription named %s already", s->name);
	return put_name(bus, s, err);
}

static void link_it(struct td_bus *bus, struct td_subscription *s)
{
	s->next = bus->subscriptions;
	if (s->next != NULL)
		s->next->prev = s;
	bus->subscriptions = s;
	bus->subscriptions_count++;
}

static void unlink_it(struct td_bus *bus, struct td_subscription *s)
{
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		bus->subscriptions = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	bus->subscriptions_count--;
}

static void trie_remove(struct td_bus *bus, struct td_subscription *s, size_t types)
{
	struct td_text none = {NULL, 0};

	if (s->feed != NULL)
		return;
	if (s->types_count == 0 && types > 0)
		td_trie_remove(bus->trie, td_text(s->pattern), none, s);
	for (size_t i = 0; i < s->types_count && i < types; i++)
		td_trie_remove(bus->trie, td_text(s->pattern), td_text(s->types[i]), s);
}

static int trie_add(struct td_bus *bus, struct td_subscription *s, struct td_error *err)
{
	struct td_text none = {NULL, 0};
	int code = 0;

	if (s->feed != NULL)
		return 0;
	if (s->types_count == 0)
		return td_trie_add(bus->trie, td_text(s->pattern), none, s, err);
	for (size_t i = 0; i < s->types_count; i++) {
		code = td_trie_add(bus->trie, td_text(s->pattern), td_text(s->types[i]), s, err);
		if (code != 0) {
			trie_remove(bus, s, i);
			return code;
		}
	}
	return 0;
}

/* A retired entry for what the trie unlinked; lost memory if none is to be had is kept till later.
 */
static void retire_limbo(struct td_bus *bus)
{
	struct td_retired *retired = calloc(1, sizeof(*retired));

	if (retired == NULL)
		return; /* it stays in the trie's limbo; the next change takes it along */
	retired->limbo = td_trie_limbo_take(bus->trie);
	if (retired->limbo == NULL) {
		free(retired);
		return;
	}
	retire(bus, retired);
}

/* Whether it may need a lane from the start. */
static bool needs_lane(const struct td_subscription *s)
{
	return s->async || s->retry.attempts_max > 1;
}

/*
 * It could not be added whole, but readers may have found a part of it: it stays, dead, and ends
 * with the place. Its release is nobody's to expect. Under the lock.
 */
static void bury(struct td_bus *bus, struct td_subscription *s)
{
	atomic_store(&s->live, false);
	s->release = NULL;
	link_it(bus, s);
}

/* Takes the subscription, also when it fails. */
static int add_interest(struct td_bus *bus, struct td_subscription *s, struct td_error *err)
{
	bool buried = false;
	int code;

	td_mutex_lock(&bus->lock);
	code = name_it(bus, s, "subscription", err);
	if (code == 0) {
		atomic_store(&s->live, true);
		code = trie_add(bus, s, err);
		if (code != 0) {
			remove_name(bus, s);
			buried = s->types_count > 1;
			if (buried)
				bury(bus, s);
		}
	}
	if (code == 0) {
		link_it(bus, s);
		td_bus_topics_stale(bus, s->pattern);
	}
	retire_limbo(bus);
	td_mutex_unlock(&bus->lock);
	td_bus_reclaim(bus);
	if (code != 0 && !buried)
		free_subscription(s);
	return code;
}

static int check_closing(struct td_bus *bus, struct td_error *err)
{
	if (atomic_load(&bus->closing))
		return td_error_set(err, TD_E_CLOSED, TD_NO_OFFSET, "the handle is closing");
	return 0;
}

int td_bus_subscribe(struct td_bus *bus, const struct td_interest *interest, td_handler *handler,
	const struct td_typed_handler *typed, void *arg, struct td_subscription **subscription,
	struct td_error *err)
{
	return td_bus_subscribe_fed(bus, interest, handler, typed, arg, NULL, subscription, err);
}

int td_bus_subscribe_fed(struct td_bus *bus, const struct td_interest *interest,
	td_handler *handler, const struct td_typed_handler *typed, void *arg,
	const struct td_feed *feed, struct td_subscription **subscription, struct td_error *err)
{
	static const struct td_interest everything = {0};
	struct td_subscription *s;
	int code = check_closing(bus, err);

	if (interest == NULL)
		interest = &everything;
	if (code == 0 && handler == NULL && (typed == NULL || typed->handler == NULL))
		code = td_error_null(err, "handler");
	if (code == 0)
		code = td_check_interest(bus, interest, err);
	if (code == 0)
		code = make(&s, bus, interest, handler, typed, arg, err);
	if (code != 0)
		return td_error_wrap(err, code, "subscribe");
	s->feed = feed;
	s->async = s->async || feed != NULL;
	if (needs_lane(s)) {
		atomic_store(&s->lane, td_lane_new(s));
		if (atomic_load(&s->lane) == NULL) {
			free_subscription(s);
			return td_error_wrap(err, td_error_nomem(err), "subscribe");
		}
	}
	code = add_interest(bus, s, err);
	if (code != 0)
		return td_error_wrap(err, code, "subscribe");
	if (subscription != NULL)
		*subscription = s;
	return 0;
}

struct td_lane *td_bus_lane(struct td_subscription *s)
{
	struct td_lane *lane = atomic_load_explicit(&s->lane, memory_order_acquire);

	if (TD_LIKELY(lane != NULL))
		return lane;
	td_mutex_lock(&s->bus->lock);
	lane = atomic_load(&s->lane);
	if (lane == NULL) {
		lane = td_lane_new(s);
		if (lane != NULL && !atomic_load(&s->live))
			td_run_forget(s->bus, lane); /* unsubscribed meanwhile: never scheduled */
		atomic_store(&s->lane, lane);
		if (lane != NULL)
			td_bus_topics_stale(s->bus, s->pattern); /* no longer plain */
	}
	td_mutex_unlock(&s->bus->lock);
	return lane;
}

/* --- handlers of commands and queries ----------------------------------------------------- */

static uint64_t handler_key(const struct td_bus *bus, enum td_kind kind, struct td_text type)
{
	return td_hash(type.at, type.len, bus->seed ^ td_hash_u64((uint64_t)kind));
}

struct td_subscription *td_bus_handler_find(
	struct td_bus *bus, enum td_kind kind, struct td_text type)
{
	struct td_subscription *s;

	td_mutex_lock(&bus->lock);
	s = td_map_get(&bus->handlers, handler_key(bus, kind, type));
	td_mutex_unlock(&bus->lock);
	if (s == NULL || s->kind != kind || !td_text_is(type, s->types[0]))
		return NULL;
	return s;
}

static int add_handler(struct td_bus *bus, struct td_subscription *s, struct td_error *err)
{
	uint64_t key = handler_key(bus, s->kind, td_text(s->types[0]));
	int code;

	td_mutex_lock(&bus->lock);
	if (td_map_get(&bus->handlers, key) != NULL)
		code = td_error_set(
			err, TD_E_HANDLED, TD_NO_OFFSET, "%s has a handler already", s->types[0]);
	else
		code = name_it(bus, s, s->types[0], err);
	if (code == 0 && !td_map_put(&bus->handlers, key, s)) {
		remove_name(bus, s);
		code = td_error_nomem(err);
	}
	if (code == 0) {
		atomic_store(&s->live, true);
		link_it(bus, s);
	}
	td_mutex_unlock(&bus->lock);
	return code;
}

int td_bus_handle(struct td_bus *bus, enum td_kind kind, const char *type, td_handler *handler,
	const struct td_typed_handler *typed, void *arg, const struct td_interest *asked,
	struct td_subscription **subscription, struct td_error *err)
{
	struct td_interest interest = {0};
	struct td_subscription *s;
	int code = check_closing(bus, err);

	if (code == 0 && kind != TD_COMMAND && kind != TD_QUERY)
		code = td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"kind: only commands and queries are handled");
	if (code == 0 && handler == NULL && (typed == NULL || typed->handler == NULL))
		code = td_error_null(err, "handler");
	if (code == 0)
		code = td_check_type(bus, type, err);
	if (code == 0 && asked != NULL) {
		interest.name = asked->name;
		interest.async = asked->async;
		interest.sync = asked->sync;
		interest.order = asked->order;
		interest.queue_max = asked->queue_max;
		interest.when_full = asked->when_full;
		interest.retry = asked->retry;
		interest.release = asked->release;
		code = td_check_interest(bus, &interest, err);
	}
	interest.type = type;
	if (code == 0)
		code = make(&s, bus, &interest, handler, typed, arg, err);
	if (code != 0)
		return td_error_wrap(err, code, "handle");
	s->kind = kind;
	if (s->async) {
		atomic_store(&s->lane, td_lane_new(s));
		if (atomic_load(&s->lane) == NULL)
			code = td_error_nomem(err);
	}
	if (code == 0)
		code = add_handler(bus, s, err);
	if (code != 0) {
		free_subscription(s);
		return td_error_wrap(err, code, "handle");
	}
	if (subscription != NULL)
		*subscription = s;
	return 0;
}

/* --- ending ------------------------------------------------------------------------------- */

void td_bus_unsubscribe(struct td_subscription *s)
{
	struct td_bus *bus;
	struct td_lane *lane;
	struct td_retired *retired;

	if (s == NULL)
		return;
	bus = s->bus;
	td_mutex_lock(&bus->lock);
	TD_ASSERT(atomic_load(&s->live));
	atomic_store(&s->live, false);
	if (s->kind == TD_EVENT_KIND)
		trie_remove(bus, s, SIZE_MAX);
	else
		td_map_remove(&bus->handlers, handler_key(bus, s->kind, td_text(s->types[0])));
	remove_name(bus, s);
	unlink_it(bus, s);
	if (!TD_BUG(319))
		td_bus_topics_stale(bus, s->pattern);
	retire_limbo(bus);
	td_mutex_unlock(&bus->lock);

	lane = atomic_load(&s->lane);
	if (lane != NULL) {
		td_run_forget(bus, lane);
		td_lane_clear(lane);
	}
	if (td_bus_context(bus) != NULL)
		td_reader_mine.dirty = 1;

	retired = calloc(1, sizeof(*retired));
	td_mutex_lock(&bus->lock);
	if (retired != NULL) {
		retired->subscription = s;
		retire(bus, retired);
	} else {
		/* No memory: it goes back on the list, dead, and ends with the place. */
		s->prev = NULL;
		link_it(bus, s);
	}
	td_mutex_unlock(&bus->lock);
	td_bus_reclaim(bus);
}

struct td_text td_bus_subscription_name(const struct td_subscription *s)
{
	return td_text(s->name);
}

void td_bus_free_interests(struct td_bus *bus)
{
	while (bus->retired != NULL) {
		struct td_retired *next = bus->retired->next;

		free_retired(bus->retired);
		bus->retired = next;
	}
	while (bus->subscriptions != NULL) {
		struct td_subscription *s = bus->subscriptions;

		bus->subscriptions = s->next;
		if (atomic_load(&s->lane) != NULL)
			td_run_forget(bus, atomic_load(&s->lane));
		release_and_free(s);
	}
	while (bus->topics != NULL) {
		struct td_topic *next = bus->topics->next;
		const struct td_plan *plan = atomic_load(&bus->topics->plan);

		if (plan != &plan_stale)
			free((char *)(uintptr_t)plan - sizeof(struct td_retired));
		free_topic(bus->topics);
		bus->topics = next;
	}
}
