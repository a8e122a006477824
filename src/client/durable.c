#include "client/durable.h"

#include <stdlib.h>
#include <string.h>

/*
 * Durable subscriptions: a lane of the bus, fed from what is stored.
 *
 *	stored  ... 41 42 43 44 45 46 47 48 ...
 *	             |     owed    |     next: all before was fed, or is not asked for
 *	             '- done
 *
 * `next` and what is owed are noted in the store now and then (durable_note.c): after a crash what was
 * done since the last note comes again, and what is parked is tried again. Attempts are counted anew.
 *
 * One thread at a time feeds (place->pumping): the house, or who is in a call with TD_NO_THREADS.
 */

#define NOTE_MS 100 /* what is done is noted so much later at most */
#define FULL_MS 2   /* a full queue is looked at again */

/* --- what became of it -------------------------------------------------------------------- */

static void changed(struct td_durable *d)
{
	if (d->note_due_ms == INT64_MAX)
		d->note_due_ms = td_place_now_ms(d->place) + NOTE_MS;
}

/* The feed's: any thread, locks of the bus are held. */
static void settled(void *arg, uint64_t number, enum td_state state)
{
	struct td_durable *d = arg;

	td_mutex_lock(&d->lock);
	if (state == TD_COMPLETED || state == TD_FAILED) {
		td_map_remove(&d->owed, number);
		changed(d);
	} else if (state == TD_PARKED) {
		td_map_put(&d->owed, number, TD_DURABLE_PARKED); /* replaces, so it cannot fail */
	}
	td_condition_broadcast(&d->moved);
	td_mutex_unlock(&d->lock);
}

/* --- feeding ------------------------------------------------------------------------------ */

/* The next to be fed: first what was owed at the last note, then what is stored from `next` on. */
static int open_cursor(struct td_durable *d, struct td_error *err)
{
	struct td_text subject = td_text(d->pattern);
	struct td_read_options options = {.subjects = &subject, .subjects_count = 1};

	if (d->again_at < d->again_count) {
		options.from_position = options.to_position = d->again[d->again_at];
	} else {
		options.from_position = d->next;
	}
	return td_store_read(&d->cursor, td_place_store(d->place), &options, err);
}

/* Of the library's own the rest is nobody's. */
static bool is_hidden(const struct td_durable *d, struct td_text address)
{
	return address.len > 0 && address.at[0] == '$' && d->pattern[0] != '$';
}

/* One look at what is stored. 0: d->held is what to feed, or NULL: it was not asked for. */
static int look(struct td_durable *d, struct td_error *err)
{
	bool again = d->again_at < d->again_count;
	struct td_event *event = NULL;
	struct td_stored stored;
	int code = d->cursor == NULL ? open_cursor(d, err) : 0;

	if (code != 0)
		return code;
	code = again ? td_cursor_next(d->cursor, &stored, err)
		     : td_place_next(d->place, d->cursor, &stored, &d->upto, err);
	if (code == 0 && !is_hidden(d, stored.address)) {
		code = td_stored_event(td_place_store(d->place), &stored, &event, err);
		if (code == 0 && !td_bus_wants(d->subscription, event)) {
			td_event_unref(event);
			event = NULL;
		}
		d->held = event;
		d->held_position = stored.position;
	}
	if (again && (code == TD_E_NOT_FOUND || (code == 0 && event == NULL))) {
		settled(d, d->again[d->again_at], TD_COMPLETED); /* removed, or asked for no more */
		code = 0;
	}
	if (code == 0 && again) {
		td_cursor_close(d->cursor);
		d->cursor = NULL;
		d->again_at++;
	}
	return code;
}

static bool owe(struct td_durable *d, uint64_t position)
{
	bool owed;

	td_mutex_lock(&d->lock);
	owed = td_map_put(&d->owed, position, TD_DURABLE_OWED);
	td_mutex_unlock(&d->lock);
	return owed;
}

/* What was looked at is fed, or was not to be. */
static void pass(struct td_durable *d)
{
	td_mutex_lock(&d->lock);
	if (d->upto > d->next) {
		d->next = d->upto;
		td_condition_broadcast(&d->moved);
	}
	td_mutex_unlock(&d->lock);
}

/* One event; true if there was one to be looked at. */
static bool feed_one(struct td_durable *d)
{
	struct td_error err = TD_ERROR_INIT;
	int code = 0;

	d->full = false;
	if (d->held == NULL)
		code = look(d, &err);
	if (code == TD_E_NOT_FOUND) {
		pass(d);
		return false;
	}
	if (code == 0 && d->held == NULL) {
		pass(d);
		return true;
	}
	if (code == 0)
		code = owe(d, d->held_position)
			       ? td_bus_feed(d->subscription, d->held, d->held_position, &err)
			       : td_error_nomem(&err);
	if (code == 0) {
		td_event_unref(d->held);
		d->held = NULL;
		pass(d);
		return true;
	}
	if (code == TD_E_FULL || code == TD_E_NOMEM || code == TD_E_SYSTEM) {
		d->full = true; /* later */
		return false;
	}
	td_mutex_lock(&d->lock); /* it stops here: nothing is passed over in silence */
	d->failed = code;
	d->err = err;
	td_condition_broadcast(&d->moved);
	td_mutex_unlock(&d->lock);
	return false;
}

#define STRETCH 256u

static bool feed(struct td_durable *d)
{
	size_t fed = 0;

	if (d->ended || d->failed != 0)
		return false;
	while (fed < STRETCH && feed_one(d))
		fed++;
	return fed > 0;
}

static bool note_if_due(struct td_durable *d)
{
	bool due;

	td_mutex_lock(&d->lock);
	due = !d->ended && d->note_due_ms <= td_place_now_ms(d->place);
	td_mutex_unlock(&d->lock);
	return due && td_durable_note(d, NULL) == 0;
}

bool td_durables_turn(struct td_place *place)
{
	struct td_durable *first;
	bool did = false;

	td_mutex_lock(&place->lock);
	first = place->pumping || place->closing ? NULL : place->durables;
	place->pumping = place->pumping || first != NULL;
	td_mutex_unlock(&place->lock);
	if (first == NULL)
		return false;
	/* The list grows at its beginning, and nothing leaves it before the place is closed. */
	for (struct td_durable *d = first; d != NULL; d = d->link)
		did = feed(d) || did;
	for (struct td_durable *d = first; d != NULL; d = d->link)
		did = note_if_due(d) || did;
	td_mutex_lock(&place->lock);
	place->pumping = false;
	td_condition_broadcast(&place->moved);
	td_mutex_unlock(&place->lock);
	return did;
}

int64_t td_durables_due_ms(const struct td_place *place)
{
	int64_t due = INT64_MAX;

	for (struct td_durable *d = place->durables; d != NULL; d = d->link) {
		int64_t full = d->full ? td_place_now_ms(place) + FULL_MS : INT64_MAX;

		td_mutex_lock(&d->lock);
		if (!d->ended && d->note_due_ms < due)
			due = d->note_due_ms;
		td_mutex_unlock(&d->lock);
		if (!d->ended && full < due)
			due = full;
	}
	return due;
}

/* --- subscribing -------------------------------------------------------------------------- */

static void free_durable(struct td_durable *d)
{
	td_cursor_close(d->cursor);
	td_event_unref(d->held);
	td_map_fini(&d->owed);
	td_condition_fini(&d->moved);
	td_mutex_fini(&d->lock);
	free(d->again);
	free(d->name);
	free(d->pattern);
	free(d);
}

static int durable_new(struct td_durable **out, struct td_place *place,
	const struct td_interest *interest, struct td_error *err)
{
	struct td_durable *d = calloc(1, sizeof(*d));
	int code;

	if (d == NULL)
		return td_error_nomem(err);
	code = td_mutex_init(&d->lock, err);
	if (code != 0) {
		free(d);
		return code;
	}
	code = td_condition_init(&d->moved, err);
	if (code != 0) {
		td_mutex_fini(&d->lock);
		free(d);
		return code;
	}
	d->place = place;
	td_map_init(&d->owed);
	d->note_due_ms = INT64_MAX;
	d->feed = (struct td_feed){settled, d};
	d->name = strdup(interest->name);
	d->pattern = strdup(interest->subject != NULL ? interest->subject : ">");
	if (d->name == NULL || d->pattern == NULL) {
		free_durable(d);
		return td_error_nomem(err);
	}
	*out = d;
	return 0;
}

static int check(
	const struct td_place *place, const struct td_interest *interest, struct td_error *err)
{
	if (!place->on_disk)
		return td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
			"subscribe: durable subscriptions are of places that store");
	if (place->read_only)
		return td_error_set(err, TD_E_READ_ONLY, TD_NO_OFFSET,
			"subscribe: a durable subscription notes what it did");
	if (interest->name == NULL)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"subscribe: name: a durable subscription needs one");
	if (interest->observer || interest->sync || interest->inline_)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"subscribe: a durable subscription is queued, and loses nothing");
	return 0;
}

/* Where it stopped; of a new one the start is noted at once. */
static int begin(struct td_durable *d, const struct td_interest *interest, struct td_error *err)
{
	struct td_error why = TD_ERROR_INIT;
	int code = td_durable_recall(d, &why);

	if (code != 0 && code != TD_E_NOT_FOUND && err != NULL)
		*err = why;
	if (code != TD_E_NOT_FOUND)
		return code;
	d->next = interest->durable_from != 0 ? interest->durable_from
					      : td_place_position(d->place->td);
	return td_durable_note(d, err);
}

int td_durable_subscribe(struct td_place *place, const struct td_interest *interest,
	td_handler *handler, const struct td_typed_handler *typed, void *arg,
	struct td_subscription **subscription, struct td_error *err)
{
	struct td_durable *d = NULL;
	int code = check(place, interest, err);

	if (code == 0)
		code = durable_new(&d, place, interest, err);
	if (code != 0)
		return code;
	code = td_bus_subscribe_fed(
		place->bus, interest, handler, typed, arg, &d->feed, &d->subscription, err);
	if (code != 0) {
		free_durable(d);
		return code;
	}
	code = begin(d, interest, err);
	d->ended = code != 0;
	td_mutex_lock(&place->lock);
	d->link = place->durables;
	place->durables = d;
	atomic_fetch_add(&place->durables_count, 1);
	td_house_wake(place);
	td_mutex_unlock(&place->lock);
	if (code != 0) { /* the feed is looked at until the bus is closed */
		td_bus_unsubscribe(d->subscription);
		return td_error_wrap(err, code, "subscribe");
	}
	if (subscription != NULL)
		*subscription = d->subscription;
	if (!place->threaded)
		td_durables_turn(place);
	return 0;
}

/* --- ending ------------------------------------------------------------------------------- */

bool td_durable_end(struct td_place *place, struct td_subscription *subscription)
{
	struct td_durable *d;

	if (atomic_load(&place->durables_count) == 0)
		return false;
	TD_ASSERT(td_inline_place() != place); /* we would wait for ourselves */
	td_mutex_lock(&place->lock);
	for (d = place->durables; d != NULL; d = d->link)
		if (d->subscription == subscription && !d->ended)
			break;
	if (d != NULL)
		d->ended = true;
	while (d != NULL && place->pumping)
		td_condition_wait(
			&place->moved, &place->lock, td_clock_monotonic(&td_clock_real) + 1000000);
	td_mutex_unlock(&place->lock);
	if (d != NULL)
		td_durable_note(d, NULL); /* if it fails, more of it comes again */
	return d != NULL;
}

void td_durables_close(struct td_place *place)
{
	struct td_durable *d;

	while ((d = place->durables) != NULL) {
		place->durables = d->link;
		if (!d->ended && d->note_due_ms != INT64_MAX)
			td_durable_note(d, NULL);
		free_durable(d);
	}
	atomic_store(&place->durables_count, 0);
}

/* --- waiting for them --------------------------------------------------------------------- */

#define STEP_NS 5000000 /* what others do for us is looked at so often */

static bool is_done_with(const struct td_durable *d, uint64_t position)
{
	return d->next > position && td_map_get(&d->owed, position) != TD_DURABLE_OWED;
}

static bool owes(const struct td_durable *d)
{
	const struct td_map_slot *slot;
	size_t cursor = 0;

	while ((slot = td_map_next(&d->owed, &cursor)) != NULL)
		if (slot->value == TD_DURABLE_OWED)
			return true;
	return false;
}

/* It waits for td_resume(), and so does whatever comes. */
static bool is_stopped(const struct td_durable *d)
{
	struct td_subscription_status status;

	td_bus_status(d->subscription, &status);
	return status.stopped;
}

/* `event` NULL: with everything up to `position`, which is the last. */
static bool all_done_with(struct td_place *place, const struct td_event *event, uint64_t position)
{
	bool done = true;

	td_mutex_lock(&place->lock);
	for (struct td_durable *d = place->durables; done && d != NULL; d = d->link) {
		if (d->ended || (event != NULL && !td_bus_wants(d->subscription, event)))
			continue;
		if (event == NULL && is_stopped(d))
			continue;
		td_mutex_lock(&d->lock);
		done = d->failed != 0 ||
		       (event != NULL ? is_done_with(d, position) : d->next > position && !owes(d));
		td_mutex_unlock(&d->lock);
	}
	td_mutex_unlock(&place->lock);
	return done;
}

/* Why one is not fed any more, or 0. */
static int why_failed(struct td_place *place, struct td_error *err)
{
	int code = 0;

	td_mutex_lock(&place->lock);
	for (struct td_durable *d = place->durables; code == 0 && d != NULL; d = d->link) {
		td_mutex_lock(&d->lock);
		code = d->ended ? 0 : d->failed;
		if (code != 0 && err != NULL) {
			*err = d->err;
			td_error_wrap(err, code, "subscription %s is not fed any more", d->name);
		}
		td_mutex_unlock(&d->lock);
	}
	td_mutex_unlock(&place->lock);
	return code;
}

/* Others feed and run, or we do. */
static void help(struct td_place *place)
{
	td_house_between(place);
	if (td_bus_loop_turn(place->bus, 0) == 0)
		td_bus_loop_turn(place->bus, STEP_NS / 1000000);
}

static int wait_done(struct td_place *place, const struct td_event *event, uint64_t position,
	int64_t deadline, struct td_error *err)
{
	while (!all_done_with(place, event, position)) {
		if (td_clock_monotonic(&td_clock_real) >= deadline)
			return td_error_set(err, TD_E_TIMEOUT, TD_NO_OFFSET,
				"durable subscriptions are not done with position %llu",
				(unsigned long long)position);
		help(place);
	}
	return why_failed(place, err);
}

int td_durables_await(struct td_place *place, const struct td_receipt *receipt, int64_t deadline,
	struct td_error *err)
{
	uint64_t position = td_receipt_position(receipt);

	if (position == 0 || atomic_load(&place->durables_count) == 0)
		return 0;
	return wait_done(place, td_receipt_event(receipt), position, deadline, err);
}

int td_durables_drain(struct td_place *place, int64_t deadline, struct td_error *err)
{
	if (atomic_load(&place->durables_count) == 0)
		return 0;
	return wait_done(place, NULL, td_place_position(place->td) - 1, deadline, err);
}
