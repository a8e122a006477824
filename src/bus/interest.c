#include "bus/private.h"

#include <stdlib.h>

/*
 * Who is interested: what is subscribed, and the one handler of each command and query. Everything
 * here changes interests, under bus->lock.
 */

/* --- lists -------------------------------------------------------------------------------- */

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

/* Whether it may need a lane from the start. */
static bool needs_lane(const struct td_subscription *s)
{
	return s->async || s->retry.attempts_max > 1;
}

/*
 * It could not be added whole, but readers may have td_routes_found a part of it: it stays, dead, and ends
 * with the place. Its release is nobody's to expect. Under the lock.
 */
static void bury(struct td_bus *bus, struct td_subscription *s)
{
	atomic_store(&s->live, false);
	s->release = NULL;
	link_it(bus, s);
}

/* --- subscribing -------------------------------------------------------------------------- */

/* Takes the subscription, also when it fails. */
static int add_interest(struct td_bus *bus, struct td_subscription *s, struct td_error *err)
{
	bool buried = false;
	int code;

	td_mutex_lock(&bus->lock);
	code = td_subscription_name_it(bus, s, "subscription", err);
	if (code == 0) {
		atomic_store(&s->live, true);
		code = trie_add(bus, s, err);
		if (code != 0) {
			td_subscription_unname(bus, s);
			buried = s->types_count > 1;
			if (buried)
				bury(bus, s);
		}
	}
	if (code == 0) {
		link_it(bus, s);
		td_bus_topics_stale(bus, s->pattern);
	}
	td_bus_retire_limbo(bus);
	td_mutex_unlock(&bus->lock);
	td_bus_reclaim(bus);
	if (code != 0 && !buried)
		td_subscription_free(s);
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
		code = td_subscription_make(&s, bus, interest, handler, typed, arg, err);
	if (code != 0)
		return td_error_wrap(err, code, "subscribe");
	s->feed = feed;
	s->async = s->async || feed != NULL;
	if (needs_lane(s)) {
		atomic_store(&s->lane, td_lane_new(s));
		if (atomic_load(&s->lane) == NULL) {
			td_subscription_free(s);
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
		code = td_subscription_name_it(bus, s, s->types[0], err);
	if (code == 0 && !td_map_put(&bus->handlers, key, s)) {
		td_subscription_unname(bus, s);
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
		code = td_subscription_make(&s, bus, &interest, handler, typed, arg, err);
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
		td_subscription_free(s);
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
	td_subscription_unname(bus, s);
	unlink_it(bus, s);
	if (!TD_BUG(319))
		td_bus_topics_stale(bus, s->pattern);
	td_bus_retire_limbo(bus);
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
		td_bus_retire(bus, retired);
	} else {
		/* No memory: it goes back on the list, dead, and ends with the place. */
		s->prev = NULL;
		link_it(bus, s);
	}
	td_mutex_unlock(&bus->lock);
	td_bus_reclaim(bus);
}

void td_bus_free_interests(struct td_bus *bus)
{
	td_bus_free_retired(bus);
	while (bus->subscriptions != NULL) {
		struct td_subscription *s = bus->subscriptions;

		bus->subscriptions = s->next;
		if (atomic_load(&s->lane) != NULL)
			td_run_forget(bus, atomic_load(&s->lane));
		td_subscription_release(s);
	}
	td_bus_free_topics(bus);
}
