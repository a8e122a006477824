/*
 * Where a cursor's next events are, by the index. Each call holds the lock for a bounded while.
 */
#include "store/cursor.h"

#include <stdlib.h>

#define LOOK_MAX  16384u /* lines looked at under one lock */
#define CHAIN_MAX 2048u  /* of a chain, whose lines stand wide apart */
#define PEEK_MAX  32u    /* of a chain, for who may want its newest alone */

static uint64_t durable(const struct td_cursor *cursor)
{
	return cursor->store->shelf.durable(cursor->store->shelf.arg);
}

static uint64_t removals(const struct td_cursor *cursor)
{
	return atomic_load_explicit(&cursor->store->removals, memory_order_acquire);
}

static const struct td_log *log_of(const struct td_cursor *cursor)
{
	return td_logs_number(&cursor->store->logs, cursor->log);
}

static bool wants(const struct td_cursor *cursor, const struct td_log *log,
	const struct td_line *line, uint64_t position)
{
	if (!td_store_sees(cursor->store, line, position))
		return false;
	if (log != NULL)
		return line->log == log->index;
	return cursor->options.control || line->log != cursor->store->control->index;
}

static void put(struct td_cursor *cursor, const struct td_run *run, uint64_t position)
{
	const struct td_line *line = td_run_line(run, position);

	cursor->batch[cursor->count].position = position;
	cursor->batch[cursor->count].location = td_run_location(run, line);
	cursor->batch[cursor->count++].bytes = line->bytes;
}

/* --- walk --------------------------------------------------------------------------------- */

static void walk_forward(struct td_cursor *cursor, const struct td_log *log)
{
	uint64_t end = durable(cursor), looked = 0;
	const struct td_run *run = td_runs_from(&cursor->store->runs, cursor->next);

	while (run != NULL && run->base < end) {
		if (cursor->next < run->base)
			cursor->next = run->base;
		for (; cursor->next < run->next && cursor->next < end; cursor->next++) {
			if (cursor->count == TD_CURSOR_BATCH || looked++ == LOOK_MAX)
				return;
			if (wants(cursor, log, td_run_line(run, cursor->next), cursor->next))
				put(cursor, run, cursor->next);
		}
		run = td_runs_from(&cursor->store->runs, run->next);
	}
	cursor->ended = true;
}

static void walk_backward(struct td_cursor *cursor, const struct td_log *log)
{
	uint64_t looked = 0;
	const struct td_run *run;

	while (cursor->next > 1) {
		run = td_runs_find(&cursor->store->runs, cursor->next - 1);
		if (run == NULL) {
			run = td_runs_from(&cursor->store->runs, cursor->next);
			run = run == NULL ? NULL : td_runs_older(&cursor->store->runs, run);
			if (run == NULL)
				break;
			cursor->next = run->next;
		}
		for (; cursor->next > run->base; cursor->next--) {
			if (cursor->count == TD_CURSOR_BATCH || looked++ == LOOK_MAX)
				return;
			if (wants(cursor, log, td_run_line(run, cursor->next - 1),
				    cursor->next - 1))
				put(cursor, run, cursor->next - 1);
		}
	}
	cursor->ended = true;
}

/* --- lists -------------------------------------------------------------------------------- */

/* Items of both kinds begin with their position. */
static int ascending(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static int descending(const void *a, const void *b)
{
	return ascending(b, a);
}

/* --- one subject -------------------------------------------------------------------------- */

/* Its entries: one in each log that has it. false: more than can be followed. */
static bool chain_begin(struct td_cursor *cursor)
{
	const struct td_store *store = cursor->store;
	uint32_t ref, probe = 0;

	cursor->chain.count = cursor->chain.at = 0;
	cursor->chain.begun = false;
	while ((ref = td_subjects_find_next(&store->subjects, cursor->hash,
			cursor->options.subjects[0], &probe)) != TD_SUBJECT_NONE) {
		uint32_t log = store->logs.at[td_subject_at(&store->subjects, ref)->log]->number;

		if (cursor->log != 0 && cursor->log != log)
			continue;
		if (cursor->chain.count == TD_CURSOR_LOGS)
			return false;
		cursor->chain.logs[cursor->chain.count++] = log;
	}
	return true;
}

/* The subject in the log that is being followed; it may have gone meanwhile. */
static uint32_t chain_ref(const struct td_cursor *cursor)
{
	const struct td_store *store = cursor->store;
	const struct td_log *log =
		td_logs_number(&store->logs, cursor->chain.logs[cursor->chain.at]);

	return log == NULL ? TD_SUBJECT_NONE
			   : td_subjects_find(&store->subjects, cursor->hash,
				     cursor->options.subjects[0], log->index);
}

static void chain_enter(struct td_cursor *cursor, uint32_t ref)
{
	const struct td_store *store = cursor->store;
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);

	cursor->chain.begun = true;
	cursor->chain.searching = false;
	cursor->chain.position = subject->position;
	if (td_runs_find(&store->runs, subject->position) == NULL)
		cursor->chain.position = td_store_live(store, ref).position;
	cursor->chain.left = subject->count;
	cursor->chain.pending = store->pending != NULL;
}

/* To the one before: by the chain, or line by line where that leads into nothing. */
static void chain_back(struct td_cursor *cursor, uint64_t previous)
{
	cursor->chain.searching =
		previous == 0 || td_runs_find(&cursor->store->runs, previous) == NULL;
	if (cursor->chain.searching)
		cursor->chain.position--;
	else
		cursor->chain.position = previous;
}

/* A step; true: all that are wanted of this log are listed. */
static bool chain_follow(struct td_cursor *cursor, uint32_t ref, unsigned max)
{
	struct td_store *store = cursor->store;
	uint64_t end = durable(cursor), down_to = cursor->options.backward ? 1 : cursor->next;

	for (unsigned looked = 0; looked < max; looked++) {
		struct td_chained listed = {.position = cursor->chain.position};
		const struct td_run *run = td_runs_find(&store->runs, listed.position);
		const struct td_line *line;

		if (listed.position < down_to || listed.position == 0 ||
			(cursor->chain.left == 0 &&
				(!cursor->chain.pending || cursor->chain.searching)))
			return true;
		if (run == NULL ||
			(cursor->chain.searching && !td_store_is_of(store, listed.position, ref))) {
			cursor->chain.position--;
			continue;
		}
		line = td_run_line(run, listed.position);
		if (cursor->chain.left > 0 &&
			(line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT)
			cursor->chain.left--;
		if (td_store_sees(store, line, listed.position) && listed.position < end &&
			(!cursor->options.backward || listed.position < cursor->next)) {
			listed.location = td_run_location(run, line);
			listed.bytes = line->bytes;
			td_buf_add(&cursor->list, &listed, sizeof(listed));
		}
		chain_back(cursor, td_run_previous(run, listed.position));
	}
	return false;
}

/* A step; true: the list is whole. */
static bool list_subject(struct td_cursor *cursor)
{
	uint32_t ref;

	if (cursor->listed == TD_LIST_NONE && !chain_begin(cursor)) {
		cursor->way = TD_WAY_WALK;
		return true;
	}
	if (cursor->chain.at < cursor->chain.count) {
		ref = chain_ref(cursor);
		if (ref != TD_SUBJECT_NONE && !cursor->chain.begun)
			chain_enter(cursor, ref);
		if (ref != TD_SUBJECT_NONE && !chain_follow(cursor, ref, CHAIN_MAX))
			return false;
		cursor->chain.at++;
		cursor->chain.begun = false;
	}
	return cursor->chain.at >= cursor->chain.count;
}

/* --- the latest of each -------------------------------------------------------------------- */

static bool fits_subject(const struct td_cursor *cursor, const struct td_subject *subject)
{
	const struct td_log *log = cursor->store->logs.at[subject->log];

	if (cursor->log != 0 ? log->number != cursor->log
			     : log == cursor->store->control && !cursor->options.control)
		return false;
	if (cursor->all_subjects)
		return true;
	for (size_t i = 0; i < cursor->options.subjects_count; i++) {
		if (td_pattern_matches(cursor->options.subjects[i], td_subject_address(subject)))
			return true;
	}
	return false;
}

/* What readers see of it, if it is within what is read. */
static void list_seen(struct td_cursor *cursor, struct td_buf *list, uint32_t ref, uint64_t hash)
{
	const struct td_listed listed = {td_store_seen(cursor->store, ref), ref, (uint32_t)hash};

	if (listed.position != 0 &&
		(cursor->options.backward ? listed.position < cursor->latest_from
					  : listed.position >= cursor->latest_from))
		td_buf_add(list, &listed, sizeof(listed));
}

/* A step: some shards, each as a whole, for an entry changes its place within its shard only. */
static bool list_latest(struct td_cursor *cursor)
{
	const struct td_subjects *subjects = &cursor->store->subjects;
	struct td_subjects_walk next = cursor->walk;
	size_t looked = 0;
	uint32_t ref;

	if (cursor->listed == TD_LIST_NONE)
		cursor->latest_from = cursor->next;
	while ((ref = td_subjects_next(subjects, &next)) != TD_SUBJECT_NONE) {
		const struct td_subject *subject = td_subject_at(subjects, ref);

		if (next.shard != cursor->walk.shard) {
			cursor->walk = (struct td_subjects_walk){.shard = next.shard};
			if (looked >= LOOK_MAX)
				return false;
		}
		looked++;
		if (fits_subject(cursor, subject))
			list_seen(cursor, &cursor->list, ref,
				td_subjects_hash(subjects, td_subject_address(subject)));
	}
	return true;
}

/*
 * Its latest was removed before it was taken: it may have another. The entry may be gone, even be
 * another's: its bytes are still there, and the hash says whose they are.
 */
static void list_again(struct td_cursor *cursor, const struct td_listed *listed)
{
	const struct td_subjects *subjects = &cursor->store->subjects;
	const struct td_subject *subject = td_subject_at(subjects, listed->ref);
	struct td_text address = td_subject_address(subject);
	uint64_t hash = td_subjects_hash(subjects, address);
	uint32_t ref = TD_SUBJECT_NONE;

	if ((uint32_t)hash == listed->tag)
		ref = td_subjects_find(subjects, hash, address, subject->log);
	if (ref != TD_SUBJECT_NONE)
		list_seen(cursor, &cursor->again, ref, hash);
}

/* --- batches ------------------------------------------------------------------------------- */

static size_t listed_count(const struct td_cursor *cursor)
{
	return cursor->list.len / (cursor->way == TD_WAY_LATEST ? sizeof(struct td_listed)
								: sizeof(struct td_chained));
}

/* By its line as it is now; false: it is not to be seen any more. */
static bool take_seen(struct td_cursor *cursor, uint64_t position)
{
	const struct td_run *run = td_runs_find(&cursor->store->runs, position);

	if (run == NULL || !td_store_sees(cursor->store, td_run_line(run, position), position))
		return false;
	put(cursor, run, position);
	return true;
}

static void take_latest(struct td_cursor *cursor)
{
	const struct td_listed *listed =
		(const struct td_listed *)(void *)cursor->list.at + cursor->list_at++;

	cursor->next = cursor->options.backward ? listed->position : listed->position + 1;
	if (!take_seen(cursor, listed->position))
		list_again(cursor, listed);
}

/* Where nothing was removed since, what was listed is seen; where it moved, its fetch finds it. */
static void take_chained(struct td_cursor *cursor)
{
	const struct td_chained *listed =
		(const struct td_chained *)(void *)cursor->list.at + cursor->list_at++;

	cursor->next = cursor->options.backward ? listed->position : listed->position + 1;
	if (cursor->list_removals != removals(cursor)) {
		take_seen(cursor, listed->position);
		return;
	}
	cursor->batch[cursor->count].position = listed->position;
	cursor->batch[cursor->count].location = listed->location;
	cursor->batch[cursor->count++].bytes = listed->bytes;
}

static void take_listed(struct td_cursor *cursor)
{
	size_t count = listed_count(cursor);

	while (cursor->list_at < count && cursor->count < TD_CURSOR_BATCH) {
		if (cursor->way == TD_WAY_LATEST)
			take_latest(cursor);
		else
			take_chained(cursor);
	}
	if (cursor->list_at < count || cursor->count > 0)
		return;
	/* All is taken: those that changed meanwhile; one that follows looks for more. */
	if (cursor->way == TD_WAY_LATEST && cursor->again.len > 0) {
		struct td_buf list = cursor->list;

		td_buf_reset(&list);
		cursor->list = cursor->again;
		cursor->again = list;
		cursor->list_at = 0;
		cursor->unsorted = true;
	} else if (cursor->way == TD_WAY_SUBJECT && !cursor->options.backward) {
		cursor->ended = count == 0;
		cursor->listed = TD_LIST_NONE;
	} else {
		cursor->ended = true;
	}
}

/*
 * Who reads a subject backward often wants some: the newest of its chain are taken at once, and all
 * of it is listed only if that was not enough. true: some were taken.
 */
static bool peek(struct td_cursor *cursor)
{
	uint32_t ref;

	if (cursor->peeked || cursor->way != TD_WAY_SUBJECT || !cursor->options.backward)
		return false;
	cursor->peeked = true;
	if (!chain_begin(cursor) || cursor->chain.count != 1)
		return false;
	ref = chain_ref(cursor);
	if (ref == TD_SUBJECT_NONE)
		return false;
	chain_enter(cursor, ref);
	chain_follow(cursor, ref, PEEK_MAX);
	if (cursor->list.len > 0)
		take_listed(cursor);
	td_buf_reset(&cursor->list);
	cursor->list_at = 0;
	return cursor->count > 0;
}

/* One step. */
static void fill_listed(struct td_cursor *cursor)
{
	bool whole;

	if (cursor->listed == TD_LIST_WHOLE) {
		take_listed(cursor);
		return;
	}
	if (cursor->listed == TD_LIST_NONE) {
		td_buf_reset(&cursor->list);
		cursor->list_at = 0;
		cursor->list_removals = removals(cursor);
		if (peek(cursor))
			return;
		cursor->ended = false;
	}
	whole = cursor->way == TD_WAY_LATEST ? list_latest(cursor) : list_subject(cursor);
	cursor->listed = whole ? TD_LIST_WHOLE : TD_LIST_GROWS;
	cursor->unsorted = whole;
	/* What was missed for want of memory is told by who asked. */
	cursor->ended = cursor->list.code != 0;
}

/* Without the lock. */
static void sort(struct td_cursor *cursor)
{
	struct td_chained *at = (struct td_chained *)(void *)cursor->list.at;
	size_t count = listed_count(cursor);

	cursor->unsorted = false;
	if (cursor->way == TD_WAY_LATEST || cursor->chain.count > 1) {
		if (count > 1)
			qsort(at, count, cursor->list.len / count,
				cursor->options.backward ? descending : ascending);
		return;
	}
	/* A chain stands newest first. */
	for (size_t i = 0; !cursor->options.backward && i < count / 2; i++) {
		struct td_chained other = at[i];

		at[i] = at[count - 1 - i];
		at[count - 1 - i] = other;
	}
}

static void fill(struct td_cursor *cursor)
{
	const struct td_log *log = cursor->log != 0 ? log_of(cursor) : NULL;

	if (cursor->log != 0 && log == NULL) {
		cursor->ended = true;
		return;
	}
	switch (cursor->way) {
	case TD_WAY_SUBJECT:
	case TD_WAY_LATEST:
		fill_listed(cursor);
		break;
	case TD_WAY_WALK:
	case TD_WAY_SCAN:
	default:
		if (cursor->options.backward)
			walk_backward(cursor, log);
		else
			walk_forward(cursor, log);
		break;
	}
}

bool td_cursor_fill(struct td_cursor *cursor)
{
	uint64_t losses;

	cursor->at = cursor->count = 0;
	cursor->ended = false;
	while (cursor->count == 0 && !cursor->ended) {
		td_mutex_lock(&cursor->store->lock);
		cursor->batch_removals = removals(cursor);
		td_runs_trim(&cursor->store->runs, cursor->store->index_bytes);
		losses = cursor->store->runs.losses;
		fill(cursor);
		cursor->lost = cursor->lost || cursor->store->runs.losses != losses;
		cursor->ended = cursor->ended || cursor->lost;
		td_mutex_unlock(&cursor->store->lock);
		if (cursor->unsorted)
			sort(cursor);
	}
	return cursor->count > 0;
}

/* --- scan ----------------------------------------------------------------------------------- */

#define BITS (sizeof(((struct td_cursor *)NULL)->removed_bits) * 8)

static void look(struct td_cursor *cursor, uint64_t position)
{
	struct td_store *store = cursor->store;

	uint64_t losses;

	memset(cursor->removed_bits, 0, sizeof(cursor->removed_bits));
	td_mutex_lock(&store->lock);
	losses = store->runs.losses;
	cursor->clean_removals = atomic_load_explicit(&store->removals, memory_order_acquire);
	cursor->clean_from = position;
	cursor->clean_to = position + BITS < durable(cursor) ? position + BITS : durable(cursor);
	for (uint64_t at = position; at < cursor->clean_to; at++) {
		const struct td_run *run = td_runs_find(&store->runs, at);

		/* Most have lost nothing: then their pages are not even looked at. */
		if (run != NULL && run->removed == 0 && !run->forgotten) {
			at = run->next - 1;
			continue;
		}
		/* Without a line its run is gone, and all in it. */
		if (run == NULL || !td_store_sees(store, td_run_line(run, at), at))
			cursor->removed_bits[(at - position) / 64] |= (uint64_t)1
								      << (at - position) % 64;
	}
	cursor->lost = cursor->lost || store->runs.losses != losses;
	td_mutex_unlock(&store->lock);
}

bool td_cursor_is_removed(struct td_cursor *cursor, uint64_t position)
{
	size_t i;

	if (position < cursor->clean_from || position >= cursor->clean_to ||
		cursor->clean_removals !=
			atomic_load_explicit(&cursor->store->removals, memory_order_acquire))
		look(cursor, position);
	i = (size_t)(position - cursor->clean_from);
	return (cursor->removed_bits[i / 64] >> i % 64 & 1) != 0;
}

bool td_cursor_is_gone(struct td_cursor *cursor, uint64_t position)
{
	return cursor->batch_removals != removals(cursor) && td_cursor_is_removed(cursor, position);
}
