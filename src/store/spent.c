/*
 * Records of the store's own that nobody needs any more. Without them going, a store that is
 * overwritten for ever would grow by what it says of removals.
 *
 * A removal's record may go from the disk when
 *	G1  each event it speaks of is gone from the disk, durably: a hole of a segment that was
 *	    rewritten since
 *	G2  a later one of its log, in a sealed segment, says how far seqs were given; or the log is
 *	    gone, and its number with it
 * Known keys may go when none of them is looked for any more. What is true of either stays true.
 *
 * Looked at when a segment's catalog is made, which reads its records anyway. One that may go is
 * marked as what was removed is (TD_LINE_REMOVED, and TD_LINE_SPENT), and goes as that does: with the
 * next rewriting of its segment. Its mark is nothing that must not be forgotten.
 *
 * G1 by runs, not by lines: `clean_to` of a run says that all that was removed from it by records
 * below that position is holes. A rewriting says so when it has come to its end, and a catalog when
 * none of its lines is removed and there yet. So nothing is loaded to find out.
 */
#include "store/private.h"

#include <stdlib.h>

#define MISSES_MAX 10u

/* --- what there is ---------------------------------------------------------------------------- */

void td_spent_note(struct td_store *store, struct td_run *run, size_t bytes)
{
	if (store->shelf.journal == NULL)
		return;
	run->own++;
	run->own_bytes += bytes;
}

void td_spent_note_removal(struct td_log *log, uint64_t position, uint64_t location)
{
	uint32_t number = (uint32_t)(location >> 32);

	if (log->removal.number != number)
		log->removal.before = log->removal.position;
	log->removal.position = position;
	log->removal.number = number;
}

/* --- when ----------------------------------------------------------------------------------- */

bool td_spent_may_be(const struct td_store *store, const struct td_run *run)
{
	return run->own_bytes > 0 && store->cleanings >= run->look_at;
}

bool td_spent_due(
	const struct td_store *store, struct td_run *run, const struct td_segment_info *segment)
{
	/* With all of them gone it would be rewritten, and is not without. */
	bool due = td_rewrite_pays(segment, run->removed_there + run->own,
			   run->removed_bytes + run->own_bytes) &&
		   !td_rewrite_pays(segment, run->removed_there, run->removed_bytes);

	if (!due)
		run->look_at = store->cleanings + 1;
	return due;
}

/* --- looking -------------------------------------------------------------------------------- */

/* How far a run was clean when the look began. */
struct td_clean {
	uint64_t base, next, to;
};

/* A record that may go, but for what its log says. */
struct td_spent_record {
	uint32_t line, log; /* 0: whatever its log says */
	uint32_t bytes;
};

int td_spent_begin(struct td_spent *spent, const struct td_store *store)
{
	spent->records.max = SIZE_MAX / 2;
	spent->keyless = store->keyless.to;
	spent->runs = malloc((store->runs.count + 1) * sizeof(*spent->runs));
	if (spent->runs == NULL)
		return TD_E_NOMEM;
	for (size_t i = 0; i < store->runs.count; i++) {
		const struct td_run *run = store->runs.at[i];

		spent->runs[spent->runs_count++] =
			(struct td_clean){run->base, run->next, run->clean_to};
	}
	return 0;
}

void td_spent_fini(struct td_spent *spent)
{
	free(spent->runs);
	td_buf_fini(&spent->records);
}

/* The first run that ends above the position, as an index. */
static size_t run_from(const struct td_spent *spent, uint64_t position)
{
	size_t low = 0, high = spent->runs_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spent->runs[middle].next <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Of all runs that have some of these. */
static bool are_holes(const struct td_spent *spent, const struct td_range *range, uint64_t record)
{
	for (size_t i = run_from(spent, range->from);
		i < spent->runs_count && spent->runs[i].base < range->from + range->count; i++) {
		if (spent->runs[i].to <= record)
			return false;
	}
	return true;
}

static bool is_spent_removal(
	const struct td_spent *spent, const struct td_removal_record *record, uint64_t position)
{
	struct td_ranges ranges = {.rest = record->ranges};
	struct td_range range;

	while (td_ranges_next(&ranges, &range)) {
		if (!are_holes(spent, &range, position))
			return TD_BUG(249);
	}
	return true;
}

void td_spent_look(struct td_spent *spent, const struct td_record *record, uint32_t line)
{
	struct td_spent_record found = {.line = line, .bytes = (uint32_t)record->body.len};
	struct td_removal_record removal;

	if (record->body.at[0] == TD_RECORD_KNOWN) {
		if (record->position < spent->keyless)
			td_buf_add(&spent->records, &found, sizeof(found));
	} else if (record->body.at[0] == TD_RECORD_REMOVAL &&
		   td_removal_record_read(&removal, record->body) == NULL) {
		found.log = removal.log;
		if (is_spent_removal(spent, &removal, record->position))
			td_buf_add(&spent->records, &found, sizeof(found));
	}
}

/* --- marking -------------------------------------------------------------------------------- */

/* The newest removal record of a log that lies in a sealed segment. */
static uint64_t newest_sealed(const struct td_store *store, const struct td_log *log)
{
	const struct td_run *active = store->runs.at[store->runs.count - 1];

	return log->removal.position < active->base ? log->removal.position : log->removal.before;
}

static bool says_how_far(const struct td_store *store, uint32_t number, uint64_t position)
{
	const struct td_log *log = number == 0 ? NULL : td_logs_number(&store->logs, number);

	return log != NULL && newest_sealed(store, log) <= position && !TD_BUG(261);
}

void td_spent_mark(struct td_store *store, struct td_run *run, const struct td_spent *spent)
{
	const struct td_spent_record *records = (const void *)spent->records.at;
	uint64_t wait = (uint64_t)1 << run->look_misses, few = store->runs.count / 4 + 1;
	size_t marked = 0;

	for (size_t i = 0; i < spent->records.len / sizeof(*records); i++) {
		uint64_t position = run->base + records[i].line;
		struct td_line *line = td_run_line(run, position);

		if ((line->flags & (TD_LINE_REMOVED | TD_LINE_HOLE)) != 0 ||
			says_how_far(store, records[i].log, position))
			continue;
		td_run_touch(run, position);
		line->flags |= TD_LINE_REMOVED | TD_LINE_SPENT;
		line->bytes = records[i].bytes;
		run->removed++;
		run->removed_there++;
		run->removed_bytes += line->bytes;
		run->own -= run->own > 0;
		run->own_bytes -= line->bytes < run->own_bytes ? line->bytes : run->own_bytes;
		marked++;
	}
	/* In vain: more has to change until it is worth another look. */
	run->look_at = store->cleanings + (wait < few ? wait : few);
	run->look_misses = marked > 0 ? 0 : run->look_misses + (run->look_misses < MISSES_MAX);
}

/* --- clean ---------------------------------------------------------------------------------- */

void td_spent_clean(struct td_store *store, struct td_run *run, uint64_t to)
{
	if (run->clean_to < to)
		run->clean_to = to;
	store->cleanings++;
}
