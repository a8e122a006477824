/*
 * Where a cursor's next events are, by the index. Each call holds the lock for a bounded while.
 */
#include "store/cursor.h"

#include <stdlib.h>

#define LOOK_MAX 16384u /* lines looked at under one lock */

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
	cursor->batch[cursor->count].position = position;
	cursor->batch[cursor->count++].location = td_run_location(run, td_run_line(run, position));
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

/* --- one subject -------------------------------------------------------------------------- */

/* Its positions from the newest down to where the cursor stands, appended to the list. */
static void list_chain(struct td_cursor *cursor, uint32_t ref)
{
	struct td_store *store = cursor->store;
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);
	uint64_t position = subject->position, end = durable(cursor), met = 0;
	uint64_t down_to = cursor->options.backward ? 1 : cursor->next;
	uint64_t below = cursor->options.backward ? cursor->next : UINT64_MAX;

	if (td_runs_find(&store->runs, position) == NULL)
		position = td_store_live(store, ref).position;
	while (position >= down_to && position != 0) {
		const struct td_line *line = td_runs_line(&store->runs, position);

		met += (line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT;
		if (position < end && position < below && td_store_sees(store, line, position))
			td_buf_add(&cursor->list, &position, sizeof(position));
		position = td_store_back(store, ref, position, met >= subject->count);
	}
}

static void reverse(struct td_buf *list)
{
	uint64_t *at = (uint64_t *)(void *)list->at;
	size_t count = list->len / sizeof(*at);

	for (size_t i = 0; i < count / 2; i++) {
		uint64_t other = at[i];

		at[i] = at[count - 1 - i];
		at[count - 1 - i] = other;
	}
}

/* The subject in one log, or in whichever has it. */
static uint32_t find_subject(const struct td_cursor *cursor)
{
	const struct td_log *log = cursor->log != 0 ? log_of(cursor) : NULL;

	if (cursor->log != 0 && log == NULL)
		return TD_SUBJECT_NONE;
	return td_subjects_find(&cursor->store->subjects, cursor->hash, cursor->options.subjects[0],
		log != NULL ? log->index : TD_LOG_ANY);
}

static void list_subject(struct td_cursor *cursor)
{
	uint32_t ref = find_subject(cursor);

	td_buf_reset(&cursor->list);
	cursor->list_at = 0;
	if (ref != TD_SUBJECT_NONE)
		list_chain(cursor, ref);
	if (!cursor->options.backward)
		reverse(&cursor->list);
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

static int ascending(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static void list_latest(struct td_cursor *cursor)
{
	struct td_subjects_walk walk = {0};
	uint32_t ref;

	td_buf_reset(&cursor->list);
	cursor->list_at = 0;
	while ((ref = td_subjects_next(&cursor->store->subjects, &walk)) != TD_SUBJECT_NONE) {
		const struct td_subject *subject = td_subject_at(&cursor->store->subjects, ref);
		uint64_t position;

		if (!fits_subject(cursor, subject))
			continue;
		position = td_store_seen(cursor->store, ref);
		if (position != 0 && (cursor->options.backward ? position < cursor->next
							       : position >= cursor->next))
			td_buf_add(&cursor->list, &position, sizeof(position));
	}
	if (cursor->list.len > 0)
		qsort(cursor->list.at, cursor->list.len / sizeof(uint64_t), sizeof(uint64_t),
			ascending);
	if (cursor->options.backward)
		reverse(&cursor->list);
}

/* --- batches ------------------------------------------------------------------------------- */

static void take_listed(struct td_cursor *cursor)
{
	const uint64_t *at = (const uint64_t *)(void *)cursor->list.at;
	size_t count = cursor->list.len / sizeof(*at);

	while (cursor->list_at < count && cursor->count < TD_CURSOR_BATCH) {
		uint64_t position = at[cursor->list_at++];
		const struct td_run *run = td_runs_find(&cursor->store->runs, position);

		cursor->next = cursor->options.backward ? position : position + 1;
		if (run != NULL &&
			td_store_sees(cursor->store, td_run_line(run, position), position))
			put(cursor, run, position);
	}
}

static void fill_listed(struct td_cursor *cursor, void (*list)(struct td_cursor *cursor))
{
	if (cursor->list_at >= cursor->list.len / sizeof(uint64_t)) {
		/* What was listed is done; one that follows looks for more. */
		if (cursor->listed && (cursor->options.backward || cursor->way == TD_WAY_LATEST)) {
			cursor->ended = true;
			return;
		}
		list(cursor);
		cursor->listed = true;
	}
	take_listed(cursor);
	if (cursor->count == 0 && cursor->list_at >= cursor->list.len / sizeof(uint64_t))
		cursor->ended = true;
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
		fill_listed(cursor, list_subject);
		break;
	case TD_WAY_LATEST:
		fill_listed(cursor, list_latest);
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
