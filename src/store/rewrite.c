/*
 * Space comes back: sealed segments of which more than half was removed, and those with something to
 * be erased, are rewritten without it.
 *
 *	RETAIN   which, and which positions   -> td_journal_rewrite()
 *	REWRITE  the journal's work              the segment has a new number: the run has moved
 *	INDEX    its catalog is made anew, and the lines learn where they lie now
 *
 * Between the last two, lines say where records were: td_store_fetch() finds them by position.
 */
#include "store/private.h"

#include <stdlib.h>

#define ERASE_MS 60000 /* how long removals are gathered */

static const unsigned gone = TD_LINE_EVENT | TD_LINE_REMOVED;

static int64_t now_ms(const struct td_store *store)
{
	return td_clock_monotonic(store->clock) / 1000000;
}

void td_rewrite_erase(struct td_store *store, struct td_run *run)
{
	if (run->erase_at == 0)
		run->erase_at = now_ms(store) + ERASE_MS;
}

/*
 * Space is taken back when the segment cannot tell of duplicates any more, since a removed event
 * keeps its key until the window ends. What is to be erased does not wait: its key is forgotten if
 * the store is opened again within the window.
 */
static bool wants(const struct td_store *store, const struct td_run *run,
	const struct td_segment_info *segment)
{
	if (run->erase_at != 0 && run->erase_at <= now_ms(store))
		return true;
	return run->removed_bytes * 2 > segment->used &&
	       segment->to < td_clock_wall(store->clock) - td_store_longest_window(store);
}

/* A run to be rewritten, with its segment, which is sealed. */
static struct td_run *find(struct td_store *store, struct td_segment_info *segment)
{
	for (size_t i = 0; i < store->runs.count; i++) {
		struct td_run *run = store->runs.at[i];

		if (run->removed_bytes == 0 || run->moved || run->unfit)
			continue;
		if (td_store_segment(store, run, segment) && wants(store, run, segment))
			return run;
	}
	return NULL;
}

static bool is_roll_due(const struct td_store *store)
{
	const struct td_run *newest =
		store->runs.count > 0 ? store->runs.at[store->runs.count - 1] : NULL;

	return newest != NULL && newest->erase_at != 0 && newest->erase_at <= now_ms(store) &&
	       !newest->rolling;
}

bool td_rewrite_due(struct td_store *store)
{
	struct td_segment_info segment;

	/* A catalog that is being made says where records are. */
	if (store->shelf.journal == NULL || store->read_only || store->rewriting != 0 ||
		store->making != NULL || (store->out & TD_WORK_INDEX) != 0 ||
		store->pending != NULL)
		return false;
	return is_roll_due(store) || find(store, &segment) != NULL;
}

int64_t td_rewrite_when(const struct td_store *store)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < store->runs.count; i++) {
		const struct td_run *run = store->runs.at[i];

		if (run->erase_at != 0 && run->erase_at < first && !run->moved && !run->unfit)
			first = run->erase_at;
	}
	return first;
}

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
	td_note_record_head(0, head);
	position = store->shelf.stage(store->shelf.arg, &part, 1, &location);
	td_runs_add(&store->runs, position, location);
	td_journal_roll(store->shelf.journal);
	return 0;
}

static int start(struct td_store *store, struct td_run *run, struct td_error *err)
{
	enum td_rewrite_rule rule = run->erase_at != 0 ? TD_REWRITE_ERASE : TD_REWRITE_SPACE;
	uint64_t *positions = malloc((size_t)(run->next - run->base) * sizeof(*positions));
	size_t count = 0;
	int code;

	if (positions == NULL)
		return td_error_nomem(err);
	for (uint64_t at = run->base; at < run->next; at++) {
		unsigned flags = td_run_line(run, at)->flags;

		if ((flags & TD_LINE_REMOVED) != 0 && (flags & TD_LINE_HOLE) == 0)
			positions[count++] = at;
	}
	code = td_journal_rewrite(store->shelf.journal, run->base, positions, count, rule, err);
	free(positions);
	if (code == 0)
		store->rewriting = run->base;
	else if (code != TD_E_FULL)
		run->unfit = true;
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
	if (is_roll_due(store))
		code = roll(store, err);
	run = find(store, &segment);
	if (code == 0 && run != NULL)
		code = start(store, run, err);
	td_mutex_unlock(&store->lock);
	return code;
}

/* The segment that begins where this run does. */
static bool segment_of(const struct td_store *store, const struct td_run *run, uint32_t *number)
{
	size_t count = td_journal_segments(store->shelf.journal, NULL, 0);
	struct td_segment_info *all = malloc((count + 1) * sizeof(*all));
	bool is = false;

	if (all == NULL)
		return false;
	td_journal_segments(store->shelf.journal, all, count);
	for (size_t i = 0; i < count && !is; i++) {
		is = all[i].base == run->base;
		*number = all[i].number;
	}
	free(all);
	return is;
}

void td_rewrite_done(struct td_store *store, bool done)
{
	struct td_run *run = td_runs_find(&store->runs, store->rewriting);
	uint32_t number = 0;

	store->rewriting = 0;
	if (run == NULL)
		return;
	/* Without memory to ask it is taken as moved: then records are found by position. */
	if (!done || (segment_of(store, run, &number) && number == run->number)) {
		run->unfit = true;
		return;
	}
	td_mutex_lock(&store->lock);
	for (uint64_t at = run->base; at < run->next; at++) {
		struct td_line *line = td_run_line(run, at);

		if ((line->flags & gone) != gone || (line->flags & TD_LINE_HOLE) != 0)
			continue;
		td_run_touch(run, at);
		line->flags |= TD_LINE_HOLE;
	}
	run->removed_bytes = 0;
	run->erase_at = 0;
	run->moved = true;
	td_mutex_unlock(&store->lock);
}
