#include "client/place.h"

/*
 * What keeps a store in order beside its publishers: the next segment, the second witness of the last
 * frame, indexes, retention; durable subscriptions are fed here too. On a thread of its own, or, with
 * TD_NO_THREADS, on that of whoever calls next.
 */

#define WAIT_MS_LEAST 5

#define KINDS ((unsigned)TD_WORK_EVERYTHING & ~(unsigned)(TD_WORK_COMMIT | TD_WORK_CHAIN))

/*
 * Under the lock, which it leaves meanwhile: a chore that is due. false: none, or it failed; who fails
 * for good is said by the store, and for want of memory it is due again: later.
 */
static bool do_chore(struct td_place *place)
{
	struct td_store *store = td_place_store(place);
	struct td_chore *chore = td_store_next(store, KINDS, td_place_now_ms(place));
	int code;

	if (chore == NULL)
		return false;
	td_mutex_unlock(&place->lock);
	td_chore_run(chore);
	td_mutex_lock(&place->lock);
	code = td_store_done(store, chore, NULL);
	td_place_moved(place);
	return code == 0;
}

/* What chores staged (removals) is nobody's to wait for. */
static bool commit_leftovers(struct td_place *place)
{
	struct td_store *store = td_place_store(place);
	uint64_t durable;

	if (place->leading || td_store_staged(store) == td_store_durable(store) ||
		td_store_failed(store, NULL) != 0)
		return false;
	durable = td_store_durable(store);
	td_place_commit(place);
	return td_store_durable(store) > durable; /* else later: no room, or no memory */
}

static bool step(struct td_place *place)
{
	bool did = do_chore(place) || commit_leftovers(place) || td_heads_turn(place);

	if (atomic_load(&place->durables_count) > 0) {
		td_mutex_unlock(&place->lock);
		did = td_durables_turn(place) || did;
		td_mutex_lock(&place->lock);
	}
	return did;
}

bool td_house_turn(struct td_place *place)
{
	bool did;

	td_mutex_lock(&place->lock);
	did = step(place);
	td_mutex_unlock(&place->lock);
	return did;
}

static int64_t due_ms(struct td_place *place)
{
	int64_t store = td_store_next_ms(td_place_store(place), KINDS, td_place_now_ms(place));
	int64_t durables = td_durables_due_ms(place), heads = td_heads_due_ms(place);
	int64_t first = store < durables ? store : durables;

	return first < heads ? first : heads;
}

/* The place's clock may be one of the simulator's; who sleeps is a thread of this world. */
static int64_t deadline_of(const struct td_place *place, int64_t due)
{
	int64_t wait_ms = due - td_place_now_ms(place);

	if (due == INT64_MAX)
		return INT64_MAX;
	if (wait_ms < WAIT_MS_LEAST)
		wait_ms = WAIT_MS_LEAST; /* what is due now has just failed */
	return td_clock_monotonic(&td_clock_real) + wait_ms * 1000000;
}

static bool is_for_callers(struct td_place *place)
{
	return !place->threaded && !place->read_only && td_place_store(place) != NULL;
}

void td_house_between(struct td_place *place)
{
	int64_t deadline;
	bool did, closing;

	if (!is_for_callers(place))
		return;
	do {
		td_mutex_lock(&place->lock);
		did = step(place);
		closing = place->closing; /* then the bus may be gone */
		deadline = did ? 0 : deadline_of(place, due_ms(place));
		td_mutex_unlock(&place->lock);
	} while (did);
	if (!closing)
		td_bus_place_due(place->bus, deadline); /* for who turns the loop */
}

int td_house_loop(struct td_place *place, int64_t timeout_ms)
{
	int64_t deadline = td_deadline(timeout_ms), until, left;
	int ran;

	if (!is_for_callers(place) || td_bus_in_handler(place->bus))
		return td_bus_loop_turn(place->bus, timeout_ms);
	for (;;) {
		td_house_between(place);
		td_mutex_lock(&place->lock);
		until = deadline_of(place, due_ms(place));
		td_mutex_unlock(&place->lock);
		left = td_deadline_left_ms(until < deadline ? until : deadline);
		ran = td_bus_loop_turn(place->bus, left);
		if (ran != 0 || td_clock_monotonic(&td_clock_real) >= deadline)
			return ran;
	}
}

void td_house_wake(struct td_place *place)
{
	struct td_store *store = td_place_store(place);

	if (!place->house_sleeps)
		return;
	/* It may have staged something while somebody led, and left it to be committed. */
	if (atomic_load(&place->durables_count) == 0 && due_ms(place) >= place->house_due_ms &&
		td_store_staged(store) == td_store_durable(store))
		return;
	place->house_sleeps = false; /* told once is enough */
	td_condition_signal(&place->wake_house);
}

static void keep_house(void *arg)
{
	struct td_place *place = arg;

	td_mutex_lock(&place->lock);
	while (!place->house_stops) {
		if (step(place))
			continue;
		place->house_due_ms = due_ms(place);
		place->house_sleeps = true;
		if (!place->house_stops)
			td_condition_wait(&place->wake_house, &place->lock,
				deadline_of(place, place->house_due_ms));
		place->house_sleeps = false;
	}
	td_mutex_unlock(&place->lock);
}

int td_house_start(struct td_place *place, struct td_error *err)
{
	int code = td_thread_start(&place->house, "td-house", keep_house, place, err);

	place->threaded = code == 0;
	return code;
}

void td_house_stop(struct td_place *place)
{
	if (!place->threaded)
		return;
	td_mutex_lock(&place->lock);
	place->house_stops = true;
	td_condition_signal(&place->wake_house);
	td_mutex_unlock(&place->lock);
	td_thread_join(&place->house);
	place->threaded = false;
}
