/*
 * Work handed out: the journal's own, and the store's beside it.
 */
#include "store/chore.h"

#include <stdlib.h>

/* One to hand out, so that what the journal gave cannot be lost for want of memory. */
static struct td_chore *chore_take(struct td_store *store)
{
	struct td_chore *chore = store->chores;

	if (chore == NULL)
		return calloc(1, sizeof(*chore));
	store->chores = chore->next;
	*chore = (struct td_chore){0};
	return chore;
}

static void chore_give(struct td_store *store, struct td_chore *chore)
{
	chore->next = store->chores;
	store->chores = chore;
}

#define TAP_AGAIN_MS 100

static bool has_untapped(const struct td_store *store)
{
	return store->taps_count > 0 && store->tapped < store->shelf.durable(store->shelf.arg);
}

/*
 * When taps are to be told without a commit being brought back: in memory there is none, and what
 * could not be read is tried again. INT64_MAX: not.
 */
static int64_t tap_when(const struct td_store *store, int64_t now_ms)
{
	if (!has_untapped(store))
		return INT64_MAX;
	if (store->tap_again != 0)
		return store->tap_again;
	return store->shelf.journal == NULL ? now_ms : INT64_MAX;
}

static bool find_work(
	struct td_store *store, struct td_chore *chore, unsigned kinds, int64_t now_ms)
{
	if (store->shelf.journal != NULL && (kinds & TD_WORK_ALL) != 0) {
		chore->work = td_journal_next(store->shelf.journal, kinds & TD_WORK_ALL, now_ms);
		if (chore->work != NULL) {
			chore->kind = (unsigned)td_work_kind(chore->work);
			return true;
		}
	}
	/* Who asks for commits is given keys, too, where an append was sent back for want of them. */
	if (((kinds & TD_WORK_KEYS) != 0 && td_keys_due(store->seals.keys, now_ms)) ||
		((kinds & TD_WORK_COMMIT) != 0 && td_keys_missed(store->seals.keys, now_ms))) {
		chore->keys = td_keys_next(store->seals.keys);
		chore->kind = TD_WORK_KEYS;
		if (chore->keys != NULL)
			return true;
	}
	if ((kinds & TD_WORK_COMMIT & ~store->out) != 0 && tap_when(store, now_ms) <= now_ms) {
		chore->kind = TD_WORK_COMMIT;
		return true;
	}
	if ((kinds & TD_WORK_INDEX & ~store->out) != 0) {
		chore->make = td_catalog_make_next(store);
		chore->kind = TD_WORK_INDEX;
		if (chore->make != NULL)
			return true;
	}
	if ((kinds & TD_WORK_RETAIN & ~store->out) != 0 &&
		(td_logs_leave_due(store) || td_retain_due(store) || td_rewrite_due(store) ||
			td_erased_due(store))) {
		chore->kind = TD_WORK_RETAIN;
		chore->store = store;
		return true;
	}
	return false;
}

struct td_chore *td_store_next(struct td_store *store, unsigned kinds, int64_t now_ms)
{
	struct td_chore *chore = chore_take(store);

	if (chore == NULL)
		return NULL;
	if (!find_work(store, chore, kinds, now_ms)) {
		chore_give(store, chore);
		return NULL;
	}
	if (chore->work == NULL)
		store->out |= chore->kind;
	chore->next = store->chores_out;
	store->chores_out = chore;
	return chore;
}

/* It is back. */
static void chore_in(struct td_store *store, struct td_chore *chore)
{
	struct td_chore **at = &store->chores_out;

	while (*at != chore) {
		TD_ASSERT(*at != NULL); /* it was never out */
		at = &(*at)->next;
	}
	*at = chore->next;
	chore_give(store, chore);
}

unsigned td_chore_kind(const struct td_chore *chore)
{
	return chore->kind;
}

void td_chore_run(struct td_chore *chore)
{
	if (chore->work != NULL)
		td_work_run(chore->work);
	else if (chore->make != NULL)
		td_catalog_make_run(chore->make);
	else if (chore->keys != NULL)
		td_keys_work_run(chore->keys);
	else if (chore->kind == TD_WORK_RETAIN)
		td_retain_look(chore->store, &chore->look);
}

/* --- taps ----------------------------------------------------------------------------------- */

static int tell(struct td_store *store, const struct td_record *record)
{
	struct td_event_record event;
	struct td_stored stored;
	int code;

	if (record->body.len == 0 || record->body.at[0] != TD_RECORD_EVENT ||
		td_event_record_read(&event, record->body) != NULL)
		return 0;
	code = td_stored_open(store, &store->tap_opener, &stored, &event, record->position, NULL);
	for (size_t i = 0; code == 0 && i < store->taps_count; i++)
		store->taps[i].stored(store->taps[i].arg, &stored);
	return code;
}

static void tell_lost(struct td_store *store, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < store->taps_count; i++) {
		if (store->taps[i].lost != NULL)
			store->taps[i].lost(store->taps[i].arg, from, to);
	}
}

static void place_taps(struct td_store *store, uint64_t position)
{
	store->shelf.leave(&store->tap_place);
	store->tap_place = td_place_at(position);
}

/*
 * All that is durable and was not told. What was removed before it could be told is not. That it
 * cannot be read is no failure of the work that made it durable: it is tried again by itself.
 */
static void tap(struct td_store *store)
{
	struct td_record record;
	uint64_t lost_to = 0;
	int code = 0;

	while (code == 0 && has_untapped(store)) {
		code = store->shelf.scan(
			store->shelf.arg, &store->tap_place, &record, &lost_to, NULL);
		if (code == 0) {
			lost_to = record.position + record.count - 1;
			code = tell(store, &record);
			if (code == 0)
				store->tapped = lost_to + 1;
			else if (code != TD_E_DAMAGED)
				place_taps(store, store->tapped);
		}
		if (code == TD_E_DAMAGED) {
			tell_lost(store, store->tapped, lost_to);
			store->tapped = lost_to + 1;
			place_taps(store, store->tapped);
			code = 0;
		}
	}
	/* The end of what is there: in memory, all of it may be removed. */
	if (code == TD_E_NOT_FOUND)
		store->tapped = store->shelf.durable(store->shelf.arg);
	store->tap_again = 0;
	if (code != 0 && code != TD_E_NOT_FOUND)
		store->tap_again = td_clock_monotonic(store->clock) / 1000000 + TAP_AGAIN_MS;
}

int td_store_done(struct td_store *store, struct td_chore *chore, struct td_error *err)
{
	const struct td_retain_look look = chore->look;
	unsigned kind = chore->kind;
	struct td_catalog_make *make = chore->make;
	struct td_keys_work *keys = chore->keys;
	int code = 0;

	if (chore->work != NULL)
		code = td_journal_done(store->shelf.journal, chore->work, err);
	else
		store->out &= ~kind;
	chore_in(store, chore);
	if (kind == TD_WORK_REWRITE)
		td_rewrite_done(store, code == 0);
	if (code != 0)
		return code;
	if (kind == TD_WORK_COMMIT || kind == TD_WORK_CHAIN) {
		td_mutex_lock(&store->lock);
		td_store_pending_done(store);
		td_logs_settle(store);
		td_mutex_unlock(&store->lock);
		td_forget_durable(store);
		tap(store);
	} else if (kind == TD_WORK_KEYS) {
		code = td_keys_work_done(
			store->seals.keys, keys, td_clock_monotonic(store->clock) / 1000000, err);
	} else if (kind == TD_WORK_INDEX) {
		store->making = td_catalog_make_done(store, make, NULL);
	} else if (kind == TD_WORK_RETAIN) {
		code = td_logs_leave_on(store, err);
		/* While that waits the others have their turn. */
		if (code == 0 && !td_retain_waits(store))
			code = td_retain(store, &look, err);
		if (code == 0)
			code = td_rewrite_start(store, err);
		if (code == 0)
			code = td_erased_tell(store, err);
		/* The frame is full: the rest later. */
		if (code == TD_E_FULL)
			code = 0;
	}
	return code;
}

int64_t td_store_next_ms(const struct td_store *store, unsigned kinds, int64_t now_ms)
{
	int64_t first = INT64_MAX, at;

	if (store->shelf.journal != NULL && (kinds & TD_WORK_ALL) != 0)
		first = td_journal_next_ms(store->shelf.journal, kinds & TD_WORK_ALL, now_ms);
	if ((kinds & TD_WORK_COMMIT) != 0) {
		at = tap_when(store, now_ms);
		first = at < first ? at : first;
	}
	if ((kinds & TD_WORK_KEYS) != 0) {
		at = td_keys_when(store->seals.keys);
		first = at < first ? at : first;
	}
	if ((kinds & TD_WORK_RETAIN) != 0) {
		if (td_erased_due(store))
			return now_ms;
		at = td_logs_leave_due(store) ? now_ms : td_retain_when(store, now_ms);
		first = at < first ? at : first;
		at = td_rewrite_when(store);
		first = at < first ? at : first;
	}
	if ((kinds & TD_WORK_INDEX) != 0 && store->shelf.journal != NULL) {
		at = td_catalog_make_when(store);
		first = at < first ? at : first;
	}
	return first;
}
