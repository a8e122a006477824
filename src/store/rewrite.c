/*
 * Space comes back: sealed segments of which more than half was removed, and those with something to
 * be erased, are rewritten without it.
 *
 *	RETAIN   which, and which positions   -> td_journal_rewrite()
 *	REWRITE  the journal's work              the segment has a new number: the run has moved
 *	INDEX    its catalog is made anew, and the lines learn where they lie now
 *
 * Between the last two, lines say where records were: td_store_fetch() finds them by position.
 *
 * What is removed while a segment is being rewritten is not of it, and waits for the next time. What
 * fails is tried again after a while. What is to be erased is a flag of its line, which catalogs
 * keep, and which the removal's record sets again when the store opens.
 */
#include "store/private.h"

#include <stdlib.h>

#define ERASE_MS     60000  /* how long removals are gathered */
#define AGAIN_MS     1000   /* how long what failed has to wait, at first ... */
#define AGAIN_MS_MAX 900000 /* ... and at most */
#define SHRINKS      32768u /* a file that is larger gets smaller with what is in it */
#define RECORD_BYTES 12u    /* what a record takes beside its body, and a frame: journal.md */
#define FRAME_BYTES  104u

static int64_t now_ms(const struct td_store *store)
{
	return td_clock_monotonic(store->clock) / 1000000;
}

/* --- what failed ---------------------------------------------------------------------------- */

void td_run_failed(const struct td_store *store, struct td_run *run)
{
	int64_t wait_ms = run->failures < 10 ? AGAIN_MS << run->failures : AGAIN_MS_MAX;

	run->again_at = now_ms(store) + (wait_ms < AGAIN_MS_MAX ? wait_ms : AGAIN_MS_MAX);
	run->failures++;
}

bool td_run_waits(const struct td_store *store, const struct td_run *run)
{
	return run->failures > 0 && run->again_at > now_ms(store);
}

/* --- when ----------------------------------------------------------------------------------- */

void td_rewrite_owed(const struct td_store *store, struct td_run *run)
{
	if (run->erase_at == 0)
		run->erase_at = now_ms(store) + ERASE_MS;
}

void td_rewrite_erase(struct td_store *store, struct td_run *run, uint64_t position)
{
	struct td_line *line = td_run_line(run, position);

	if ((line->flags & (TD_LINE_REMOVED | TD_LINE_HOLE)) != TD_LINE_REMOVED)
		return;
	if ((line->flags & TD_LINE_ERASE) == 0) {
		td_run_touch(run, position);
		line->flags |= TD_LINE_ERASE;
	}
	td_rewrite_owed(store, run);
}

/* No key that a duplicate is looked for by, as of now, is that of an event below. */
static uint64_t oldest_key(const struct td_store *store)
{
	uint64_t oldest = store->shelf.staged(store->shelf.arg);

	for (size_t i = 0; i < store->logs.count; i++) {
		struct td_log *log = store->logs.at[i];
		uint64_t of_log;

		if (log == NULL || td_duplicates_count(&log->duplicates) == 0)
			continue;
		td_log_window(log, store->shelf.time(store->shelf.arg));
		of_log = td_duplicates_oldest(&log->duplicates);
		oldest = of_log < oldest ? of_log : oldest;
	}
	return oldest;
}

/*
 * Whether the segment cannot tell of duplicates any more: a removed event keeps its key as long as
 * its log's table does. What is to be erased does not wait, since its key was noted with its removal.
 *
 * A key may have been pushed out by one that is staged, and would be back after a crash: what was
 * found counts when all that was staged then is durable.
 */
static bool is_past(struct td_store *store, const struct td_segment_info *segment)
{
	uint64_t durable = store->shelf.durable(store->shelf.arg);

	if (store->keyless.as_of <= durable) {
		store->keyless.to = store->keyless.next;
		store->keyless.next = oldest_key(store);
		store->keyless.as_of = store->shelf.staged(store->shelf.arg);
		if (store->keyless.as_of <= durable)
			store->keyless.to = store->keyless.next;
	}
	return segment->next <= store->keyless.to;
}

bool td_rewrite_pays(
	const struct td_segment_info *segment, uint64_t removed, uint64_t removed_bytes)
{
	uint64_t idle = segment->room - segment->used;
	uint64_t gain = removed_bytes + removed * RECORD_BYTES;

	/* A frame of which nothing is left goes, too. */
	if (segment->records > 0)
		gain += removed * FRAME_BYTES * segment->frames / segment->records;
	if (gain * 2 > segment->used)
		return true;
	return removed > 0 && segment->bytes > SHRINKS && (gain + idle) * 2 > segment->room;
}

static bool wants(
	struct td_store *store, const struct td_run *run, const struct td_segment_info *segment)
{
	if (run->erase_at != 0 && run->erase_at <= now_ms(store))
		return true;
	return td_rewrite_pays(segment, run->removed_there, run->removed_bytes) &&
	       is_past(store, segment);
}

/* A run to be rewritten, with its segment, which is sealed. */
static struct td_run *find(struct td_store *store, struct td_segment_info *segment)
{
	struct td_segments segments = {0};
	struct td_run *found = NULL;

	for (size_t i = 0; i < store->runs.count && found == NULL; i++) {
		struct td_run *run = store->runs.at[i];
		const struct td_segment_info *sealed;

		if ((run->removed_bytes == 0 && run->erase_at == 0) || run->moved ||
			td_run_waits(store, run))
			continue;
		if (segments.at == NULL && !td_segments_take(&segments, store))
			return NULL;
		sealed = td_segments_sealed(&segments, run);
		if (sealed == NULL || !wants(store, run, sealed))
			continue;
		*segment = *sealed;
		found = run;
	}
	td_segments_fini(&segments);
	return found;
}

static bool is_roll_due(const struct td_store *store)
{
	const struct td_run *newest =
		store->runs.count > 0 ? store->runs.at[store->runs.count - 1] : NULL;

	return newest != NULL && newest->erase_at != 0 && newest->erase_at <= now_ms(store) &&
	       !newest->rolling && !td_run_waits(store, newest);
}

bool td_rewrite_due(struct td_store *store)
{
	struct td_segment_info segment;

	/* A catalog that is being made says where records are. */
	if (store->shelf.journal == NULL || store->read_only || store->rewriting.base != 0 ||
		store->making != NULL || (store->out & TD_WORK_INDEX) != 0 ||
		store->pending != NULL || td_erased_waits(store))
		return false;
	return is_roll_due(store) || find(store, &segment) != NULL;
}

int64_t td_rewrite_when(const struct td_store *store)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < store->runs.count; i++) {
		const struct td_run *run = store->runs.at[i];
		int64_t at = run->erase_at;

		if (run->failures > 0 && run->again_at > at && (at != 0 || run->removed_bytes > 0))
			at = run->again_at;
		if (at != 0 && at < first && !run->moved)
			first = at;
	}
	return first;
}

/* --- begin ---------------------------------------------------------------------------------- */

/* End the active segment, with a record of no meaning so that there is something to commit. */
static int roll(struct td_store *store, struct td_error *err)
{
	uint8_t head[TD_NOTE_FIXED_BYTES];
	const struct td_text part = td_text_of(head, sizeof(head));
	uint64_t location, position;
	int code;

	if (!td_runs_reserve(&store->runs, 1, 0))
		return td_error_nomem(err);
	code = store->shelf.room(store->shelf.arg, 1, sizeof(head), true, err);
	if (code != 0)
		return code;
	store->runs.at[store->runs.count - 1]->rolling = true;
	store->runs.at[store->runs.count - 1]->failures = 0;
	td_note_record_head(0, head);
	position = store->shelf.stage(store->shelf.arg, &part, 1, &location);
	td_runs_add(&store->runs, position, location);
	td_journal_roll(store->shelf.journal);
	return 0;
}

/* What goes: all that was removed, or, where that still tells of duplicates, what is to be erased. */
static int gather(struct td_store *store, struct td_run *run, unsigned flag, struct td_error *err)
{
	uint64_t losses = store->runs.losses;

	for (uint64_t at = run->base; at < run->next && store->runs.losses == losses; at++) {
		unsigned flags = td_run_line(run, at)->flags;

		if (((flags & flag) == 0 || (flags & TD_LINE_HOLE) != 0) &&
			(!TD_BUG(230) || (flags & TD_LINE_EVENT) == 0))
			continue;
		/* It stays in memory until it is known how it ended. */
		td_run_touch(run, at);
		store->rewriting.positions[store->rewriting.count++] = at;
	}
	return store->runs.losses != losses ? td_store_lost(err) : 0;
}

static void forget(struct td_store *store)
{
	free(store->rewriting.positions);
	store->rewriting.positions = NULL;
	store->rewriting.base = store->rewriting.count = 0;
}

static int start(struct td_store *store, struct td_run *run, const struct td_segment_info *segment,
	struct td_error *err)
{
	bool past = is_past(store, segment), told = true;
	size_t lines = (size_t)(run->next - run->base);
	int code;

	store->rewriting.positions = malloc(lines * sizeof(uint64_t));
	if (store->rewriting.positions == NULL)
		return td_error_nomem(err);
	store->rewriting.clean_to = past ? store->shelf.staged(store->shelf.arg) : 0;
	code = gather(store, run, past ? TD_LINE_REMOVED : TD_LINE_ERASE, err);
	if (code == 0)
		code = td_erased_plan(store, run, segment, &told, err);
	if (code == 0 && !told) {
		forget(store);
		return 0;
	}
	if (code == 0 && store->rewriting.count > 0)
		code = td_journal_rewrite(store->shelf.journal, run->base,
			store->rewriting.positions, store->rewriting.count,
			run->erase_at != 0 ? TD_REWRITE_ERASE : TD_REWRITE_SPACE, err);
	if (code == 0) {
		/* Who asks from now on has a time of his own. */
		run->erase_at = 0;
		store->rewriting.base = run->base;
	}
	if (code == 0 && store->rewriting.count > 0)
		return 0;
	if (code == 0 && past) {
		run->removed_bytes = run->removed_there = 0;
		td_spent_clean(store, run, store->rewriting.clean_to);
	}
	forget(store);
	return code;
}

int td_rewrite_start(struct td_store *store, struct td_error *err)
{
	struct td_segment_info segment;
	struct td_run *run;
	int code = 0;

	if (!td_rewrite_due(store))
		return 0;
	td_mutex_lock(&store->lock);
	if (is_roll_due(store)) {
		code = roll(store, err);
		/* No space for it: not at once again. */
		if (code != 0 && code != TD_E_FULL)
			td_run_failed(store, store->runs.at[store->runs.count - 1]);
	}
	run = find(store, &segment);
	if (code == 0 && run != NULL) {
		code = start(store, run, &segment, err);
		if (code != 0 && code != TD_E_FULL)
			td_run_failed(store, run);
	}
	td_mutex_unlock(&store->lock);
	return code;
}

/* --- end ------------------------------------------------------------------------------------ */

/* Whether the segment is the same as before. Without memory to ask it is taken as another: then
 * records are found by position. */
static bool is_unmoved(const struct td_store *store, const struct td_run *run)
{
	struct td_segments segments = {0};
	const struct td_segment_info *segment;
	bool is = false;

	if (td_segments_take(&segments, store)) {
		segment = td_segments_of(&segments, run);
		is = segment != NULL && segment->number == run->number;
	}
	td_segments_fini(&segments);
	return is;
}

static void note_gone(struct td_store *store, struct td_run *run)
{
	for (size_t i = 0; i < store->rewriting.count; i++) {
		uint64_t position = store->rewriting.positions[i];
		struct td_line *line = td_run_line(run, position);

		td_run_touch(run, position);
		line->flags |= TD_LINE_HOLE;
		line->flags &= (uint16_t)~TD_LINE_ERASE;
		run->removed_there -= run->removed_there > 0;
		run->removed_bytes -=
			line->bytes < run->removed_bytes ? line->bytes : run->removed_bytes;
	}
	run->failures = 0;
	run->moved = !TD_BUG(231);
	td_spent_clean(store, run, store->rewriting.clean_to);
}

/* What was to be erased still is, as soon as it may be tried again. */
static void note_failure(struct td_store *store, struct td_run *run)
{
	td_run_failed(store, run);
	for (size_t i = 0; i < store->rewriting.count && run->erase_at == 0; i++) {
		if ((td_run_line(run, store->rewriting.positions[i])->flags & TD_LINE_ERASE) != 0)
			run->erase_at = run->again_at;
	}
}

void td_rewrite_done(struct td_store *store, bool done)
{
	struct td_run *run = td_runs_find(&store->runs, store->rewriting.base);

	td_mutex_lock(&store->lock);
	done = run != NULL && done && !is_unmoved(store, run);
	if (done)
		note_gone(store, run);
	else if (run != NULL)
		note_failure(store, run);
	if (run != NULL)
		td_erased_done(store, run, done);
	forget(store);
	td_mutex_unlock(&store->lock);
}
