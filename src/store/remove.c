/*
 * Removal: a record of positions; the events are gone for decisions at once, for readers when the
 * record is durable.
 *
 *	[tops] [known] [removal]     in one frame: what the subjects go on from; what duplicates of the
 *	                            erased are known by; and what is gone
 */
#include "store/private.h"

#include <stdlib.h>

#define BATCH_MAX 65536u /* positions of one record */
#define LOOK_MAX  16384u /* lines looked at under one lock */

/* --- what is removed, and still seen ------------------------------------------------------- */

static bool has(const struct td_pending *pending, uint64_t position)
{
	size_t low = 0, high = pending->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pending->positions[middle] < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low < pending->count && pending->positions[low] == position;
}

bool td_store_is_pending(const struct td_store *store, uint64_t position)
{
	for (const struct td_pending *pending = store->pending; pending != NULL;
		pending = pending->next) {
		if (pending->record >= store->shelf.durable(store->shelf.arg) && !TD_BUG(250) &&
			has(pending, position))
			return true;
	}
	return false;
}

/* One of its events is to be seen no more. */
static void unshade(struct td_store *store, uint32_t ref)
{
	uintptr_t count = (uintptr_t)td_map_remove(&store->shades, ref);

	if (count > 1)
		td_map_put(&store->shades, ref, (void *)(count - 1)); /* NOLINT */
	else if (td_subject_at(&store->subjects, ref)->count == 0)
		td_index_end(store, ref);
}

void td_store_pending_done(struct td_store *store)
{
	uint64_t durable = store->shelf.durable(store->shelf.arg);
	struct td_pending *pending;

	while ((pending = store->pending) != NULL && pending->record < durable) {
		store->pending = pending->next;
		for (size_t i = 0; i < pending->count; i++)
			unshade(store, pending->refs[i]);
		free(pending);
		atomic_fetch_add_explicit(&store->removals, 1, memory_order_release);
	}
	if (store->pending == NULL)
		store->pending_end = &store->pending;
}

/* --- one batch ---------------------------------------------------------------------------- */

struct td_batch {
	struct td_log *log;
	bool erase;
	struct td_text rule;
	struct td_buf ranges, tops, keys;
	struct td_pending *pending;
	size_t applied;
};

static void batch_fini(struct td_batch *batch)
{
	td_buf_fini(&batch->ranges);
	td_buf_fini(&batch->tops);
	td_buf_fini(&batch->keys);
	free(batch->pending);
}

/* What these take as ranges. */
static size_t ranges_bytes(const uint64_t *positions, size_t count)
{
	uint8_t bytes[TD_VARINT_BYTES];
	uint64_t next = 0;
	size_t sum = 0;

	for (size_t i = 0, n; i < count; i += n) {
		for (n = 1; i + n < count && positions[i + n] == positions[i] + n; n++)
			;
		sum += td_varint_put(bytes, positions[i] - next) + td_varint_put(bytes, n);
		next = positions[i] + n;
	}
	return sum;
}

/* How many of these have a key that duplicates are still known by. */
static size_t count_keys(struct td_store *store, const struct td_batch *batch,
	const uint64_t *positions, size_t count)
{
	size_t keys = 0;

	if (!batch->erase)
		return 0;
	td_log_window(batch->log, store->shelf.time(store->shelf.arg));
	for (size_t i = 0; i < count; i++)
		keys += td_duplicates_at(&batch->log->duplicates, positions[i]) != NULL;
	return keys;
}

/* Memory for all that may come of them, and what it takes, so that nothing fails behind the first. */
static int batch_reserve(struct td_store *store, struct td_batch *batch, const uint64_t *positions,
	size_t count, size_t *bytes, struct td_error *err)
{
	size_t ranges = ranges_bytes(positions, count);
	size_t tops = batch->log->config.revisions_forgotten ? 0 : count * TD_TOP_BYTES;
	size_t keys = count_keys(store, batch, positions, count) * TD_KNOWN_BYTES;

	batch->ranges.max = batch->tops.max = batch->keys.max = SIZE_MAX / 2;
	batch->pending =
		malloc(sizeof(*batch->pending) + count * (sizeof(uint64_t) + sizeof(uint32_t)));
	if (batch->pending == NULL || td_buf_reserve(&batch->ranges, ranges) == NULL ||
		td_buf_reserve(&batch->tops, tops + 1) == NULL ||
		td_buf_reserve(&batch->keys, keys + 1) == NULL ||
		!td_runs_reserve(&store->runs, TD_BATCH_RECORDS, 0))
		return td_error_nomem(err);
	batch->pending->log = batch->log;
	batch->pending->bytes = 0;
	batch->pending->refs = (uint32_t *)(void *)(batch->pending->positions + count);
	*bytes = TD_REMOVAL_FIXED_BYTES + batch->rule.len + ranges + TD_TOPS_FIXED_BYTES + tops +
		 TD_KNOWN_FIXED_BYTES + keys;
	return 0;
}

static void range_end(struct td_batch *batch, uint64_t *next, struct td_range *range)
{
	if (range->count > 0)
		td_ranges_add(&batch->ranges, next, *range);
	range->count = 0;
}

/* Its bytes go; what its duplicates are known by stays until the window ends. */
static void keep_key(struct td_store *store, struct td_batch *batch, uint64_t position)
{
	struct td_seen *seen = td_duplicates_at(&batch->log->duplicates, position);
	uint8_t bytes[TD_KNOWN_BYTES];
	struct td_known key;

	if (seen == NULL)
		return;
	key = (struct td_known){
		seen->key, seen->position, seen->append, seen->seq, seen->revision, seen->time};
	seen->digest = 0;
	if (store->shelf.journal == NULL)
		return;
	td_known_put(&key, bytes);
	td_buf_add(&batch->keys, bytes, sizeof(bytes));
}

/* Out of the index, until one cannot; `applied` says how many did. */
static int batch_apply(struct td_store *store, struct td_batch *batch, const uint64_t *positions,
	size_t count, struct td_error *err)
{
	struct td_range range = {0};
	uint64_t next = 0;
	struct td_gone gone;
	int code = 0;

	for (size_t i = 0; i < count; i++) {
		struct td_run *run = td_runs_find(&store->runs, positions[i]);
		uint64_t location = td_run_location(run, td_run_line(run, positions[i]));
		size_t bytes = td_run_line(run, positions[i])->bytes;
		uint8_t top[TD_TOP_BYTES];

		code = td_index_reserve_gone(store, err);
		if (code == 0 && !td_map_reserve(&store->shades, store->shades.count + 1))
			code = td_error_nomem(err);
		if (code == 0)
			code = td_index_gone(store, run, positions[i], &gone, err);
		if (code != 0)
			break;
		if (gone.topped) {
			td_top_put(&gone.top, top);
			td_buf_add(&batch->tops, top, sizeof(top));
		}
		if (range.count > 0 && positions[i] == range.from + range.count) {
			range.count++;
		} else {
			range_end(batch, &next, &range);
			range = (struct td_range){positions[i], 1};
		}
		/* Until the record is durable its subject has an entry. */
		td_map_put(&store->shades, gone.ref,
			(void *)((uintptr_t)td_map_get(&store->shades, gone.ref) + 1)); /* NOLINT */
		batch->pending->refs[batch->applied] = gone.ref;
		batch->pending->positions[batch->applied++] = positions[i];
		batch->pending->bytes += bytes;
		if (batch->erase)
			keep_key(store, batch, positions[i]);
		store->shelf.dead(store->shelf.arg, location, bytes);
		if (batch->erase && store->shelf.journal != NULL && !TD_BUG(220))
			td_rewrite_erase(store, run, positions[i]);
		td_index_sweep(store, run);
	}
	range_end(batch, &next, &range);
	return code;
}

/*
 * A record that is only there to be read when the store opens: in memory it is dead at once. *where
 * (NULL: it is there for good) is told on disk.
 */
static uint64_t stage(
	struct td_store *store, const struct td_text *parts, size_t count, uint64_t *where)
{
	uint64_t location, position = store->shelf.stage(store->shelf.arg, parts, count, &location);
	struct td_run *run;
	size_t bytes = 0;

	td_runs_add(&store->runs, position, location);
	run = store->runs.at[store->runs.count - 1];
	if (store->shelf.journal != NULL) {
		if (where == NULL)
			return position;
		for (size_t i = 0; i < count; i++)
			bytes += parts[i].len;
		td_spent_note(store, run, bytes);
		*where = location;
		return position;
	}
	run->dead++;
	store->shelf.dead(store->shelf.arg, location, 0);
	if (run->base == position && store->runs.count > 1)
		td_index_sweep(store, store->runs.at[store->runs.count - 2]);
	return position;
}

static void batch_stage(struct td_store *store, struct td_batch *batch)
{
	const struct td_removal_record record = {.log = batch->log->number,
		.erase = batch->erase,
		.last_seq = batch->log->last_seq,
		.count = batch->applied,
		.rule = batch->rule};
	uint8_t tops_head[TD_TOPS_FIXED_BYTES], keys_head[TD_KNOWN_FIXED_BYTES];
	uint8_t head[TD_REMOVAL_FIXED_BYTES];
	const struct td_text tops[] = {
		td_text_of(tops_head, sizeof(tops_head)), td_buf_view(&batch->tops)};
	const struct td_text keys[] = {
		td_text_of(keys_head, sizeof(keys_head)), td_buf_view(&batch->keys)};
	const struct td_text parts[] = {
		td_text_of(head, sizeof(head)), batch->rule, td_buf_view(&batch->ranges)};
	uint64_t location = 0;

	if (batch->tops.len > 0 && !TD_BUG(215)) {
		td_tops_record_head(batch->log->number, tops_head);
		stage(store, tops, 2, NULL);
	}
	if (batch->keys.len > 0) {
		td_known_record_head(batch->log->number, keys_head);
		stage(store, keys, 2, &location);
	}
	td_removal_record_head(&record, head);
	batch->pending->record = stage(store, parts, 3, &location);
	if (store->shelf.journal != NULL)
		td_spent_note_removal(batch->log, batch->pending->record, location);
	batch->pending->count = batch->applied;
	batch->pending->next = NULL;
	*store->pending_end = batch->pending;
	store->pending_end = &batch->pending->next;
	batch->pending = NULL;
	td_store_pending_done(store);
}

static int remove_batch(struct td_store *store, struct td_batch *batch, const uint64_t *positions,
	size_t count, struct td_error *err)
{
	size_t bytes = 0;
	int code = batch_reserve(store, batch, positions, count, &bytes, err);

	if (code == 0)
		code = store->shelf.room(store->shelf.arg, TD_BATCH_RECORDS, bytes, true, err);
	if (code != 0)
		return code;
	code = batch_apply(store, batch, positions, count, err);
	if (batch->applied > 0)
		batch_stage(store, batch);
	return code;
}

int td_remove_positions(struct td_store *store, struct td_log *log, const uint64_t *positions,
	size_t count, bool erase, struct td_text rule, uint64_t *removed, struct td_error *err)
{
	struct td_error wrong = TD_ERROR_INIT;
	size_t most = BATCH_MAX;
	int code = 0;

	*removed = 0;
	while (code == 0 && *removed < count) {
		struct td_batch batch = {.log = log, .erase = erase, .rule = rule};
		size_t n = count - *removed < most ? (size_t)(count - *removed) : most;

		code = remove_batch(store, &batch, positions + *removed, n, &wrong);
		*removed += batch.applied;
		batch_fini(&batch);
		/* More than goes into one frame: fewer at a time. */
		if (code == TD_E_TOO_LARGE && n > 1) {
			most = n / 2;
			code = 0;
		}
	}
	if (code != 0 && err != NULL)
		*err = wrong;
	return code;
}

/* --- in steps ------------------------------------------------------------------------------- */

int td_batch_plan(struct td_batch **out, struct td_store *store, struct td_log *log,
	const uint64_t *positions, size_t count, bool erase, struct td_text rule, size_t *bytes,
	struct td_error *err)
{
	struct td_batch *batch = calloc(1, sizeof(*batch));
	int code;

	if (batch == NULL)
		return td_error_nomem(err);
	batch->log = log;
	batch->erase = erase;
	batch->rule = rule;
	code = batch_reserve(store, batch, positions, count, bytes, err);
	if (code != 0)
		td_batch_free(batch);
	else
		*out = batch;
	return code;
}

int td_batch_apply(struct td_store *store, struct td_batch *batch, const uint64_t *positions,
	size_t count, size_t *applied, struct td_error *err)
{
	int code = batch_apply(store, batch, positions, count, err);

	*applied = batch->applied;
	return code;
}

void td_batch_stage(struct td_store *store, struct td_batch *batch)
{
	batch_stage(store, batch);
}

void td_batch_free(struct td_batch *batch)
{
	if (batch == NULL)
		return;
	batch_fini(batch);
	free(batch);
}

/* --- what is asked for ---------------------------------------------------------------------- */

static void add(struct td_buf *buf, uint64_t position)
{
	td_buf_add(buf, &position, sizeof(position));
}

static bool is_live(const struct td_line *line, const struct td_log *log)
{
	return line != NULL && line->log == log->index &&
	       (line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static void gather_seqs(const struct td_store *store, const struct td_log *log,
	const struct td_removal *removal, struct td_buf *buf)
{
	uint64_t *positions;
	size_t count, kept = 0;

	for (size_t i = 0; i < removal->seqs_count; i++) {
		uint64_t position = td_runs_seq(&store->runs, log->index, removal->seqs[i]);
		const struct td_line *line = td_runs_line(&store->runs, position);

		if (is_live(line, log) && line->seq == removal->seqs[i])
			add(buf, position);
	}
	positions = (uint64_t *)(void *)buf->at;
	count = buf->len / sizeof(*positions);
	if (count > 1)
		qsort(positions, count, sizeof(*positions), compare);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || positions[i] != positions[kept - 1])
			positions[kept++] = positions[i];
	}
	buf->len = kept * sizeof(*positions);
}

static bool fits(struct td_store *store, const struct td_run *run, struct td_line *line,
	struct td_text pattern)
{
	uint32_t ref;

	if (pattern.at == NULL)
		return true;
	ref = td_store_ref(store, run, line);
	/* That its catalog could not be read is told at the end. */
	return ref != TD_SUBJECT_NONE &&
	       td_pattern_matches(
		       pattern, td_subject_address(td_subject_at(&store->subjects, ref)));
}

/* Let readers in; the owner alone changes anything, so all is as it was. */
static void breathe(struct td_store *store)
{
	td_mutex_unlock(&store->lock);
	td_mutex_lock(&store->lock);
}

/* All of the log that fits, from its first on. */
static void gather_matching(struct td_store *store, struct td_log *log,
	const struct td_removal *removal, struct td_buf *buf)
{
	uint64_t position = td_log_first(store, log);
	struct td_run *run = position == 0 ? NULL : td_runs_find(&store->runs, position);
	uint64_t left = log->count, looked = 0, losses = store->runs.losses;

	/* A page that cannot be read ends it; the caller tells. */
	while (run != NULL && left > 0) {
		for (; position < run->next && left > 0; position++) {
			struct td_line *line = td_run_line(run, position);

			if (++looked % LOOK_MAX == 0) {
				breathe(store);
				line = td_run_line(run, position);
			}
			if (store->runs.losses != losses)
				return;
			if (!is_live(line, log))
				continue;
			left--;
			if (removal->below != 0 && line->seq >= removal->below)
				return;
			if (fits(store, run, line, removal->pattern))
				add(buf, position);
		}
		run = td_runs_from(&store->runs, run->next);
		position = run != NULL ? run->base : 0;
	}
}

static int gather(struct td_store *store, struct td_log *log, const struct td_removal *removal,
	struct td_buf *buf, struct td_error *err)
{
	size_t keep;

	if (removal->seqs_count > 0)
		gather_seqs(store, log, removal, buf);
	else
		gather_matching(store, log, removal, buf);
	if (td_buf_check(buf, err) != 0)
		return TD_E_NOMEM;
	if (removal->seqs_count == 0) {
		size_t count = buf->len / sizeof(uint64_t);

		keep = removal->keep < count ? (size_t)removal->keep : count;
		keep -= TD_BUG(226) && keep > 0 ? 1 : 0;
		buf->len -= keep * sizeof(uint64_t);
	}
	return 0;
}

int td_store_remove(struct td_store *store, const struct td_removal *removal, uint64_t *removed,
	uint64_t *rests_on, struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_log *log = td_logs_find(&store->logs, removal->log);
	uint64_t losses;
	int code = td_store_failed(store, err);

	*removed = *rests_on = 0;
	if (code != 0)
		return code;
	*rests_on = td_logs_rest_on(store);
	if (log == NULL)
		return td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %.*s", TD_TEXT_ARG(removal->log));
	if (log == store->control)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"log %s: what was decided stays", log->name);
	if (removal->rule.len > TD_RULE_BYTES_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "rule: at most %u bytes",
			TD_RULE_BYTES_MAX);
	if (removal->pattern.at != NULL && (code = td_pattern_check(removal->pattern, err)) != 0)
		return td_error_wrap(err, code, "pattern %.*s", TD_TEXT_ARG(removal->pattern));
	td_mutex_lock(&store->lock);
	td_runs_trim(&store->runs, store->index_bytes);
	losses = store->runs.losses;
	code = gather(store, log, removal, &buf, err);
	if (code == 0 && store->runs.losses != losses)
		code = td_store_lost(err);
	if (code == 0)
		code = td_remove_positions(store, log, (const uint64_t *)(void *)buf.at,
			buf.len / sizeof(uint64_t), removal->erase, removal->rule, removed, err);
	*rests_on = TD_BUG(217) ? 0 : td_store_rests_on(store);
	td_mutex_unlock(&store->lock);
	td_buf_fini(&buf);
	return code;
}
